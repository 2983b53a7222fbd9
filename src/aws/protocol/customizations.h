#pragma once
/// What the models do not say: the few operations that want something done by hand. As botocore
/// does it, so that the same inputs mean the same and the same answers come back.

#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// RunInstances' user data in base64; S3's copy source percent-encoded.
void customize_input(const Model& model, const Operation& operation, Value& input);

/// Calls that nobody has to sign: one gets credentials by them.
bool is_unsigned(const Model& model, const Operation& operation);

/// S3 may say no with status 200 when an operation took long.
bool is_late_refusal(const Model& model, const Operation& operation, const Response& response);

/// IAM's policies and CloudFormation's templates are JSON in text, console output is base64, and a
/// bucket's location stands in the root element.
void customize_answer(const Model& model, const Operation& operation, const Response& response,
                      Value& answer);

}  // namespace hallmark::aws
