#pragma once
/// One writer per protocol: an input becomes the parts of a request that the protocol decides on.
/// Inputs have been validated.

#include <string>

#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// query and ec2: a form in the body.
void write_form(const Model& model, const Operation& operation, const Value& input,
                Request& request);

/// json 1.0 and 1.1: the target in a header, the input as JSON.
void write_json_rpc(const Model& model, const Operation& operation, const Value& input,
                    Request& request);

/// rest-json and rest-xml: members stand in path, query string, headers and body.
void write_rest(const Model& model, const Operation& operation, const Value& input,
                Request& request);

/// A value in JSON as its shape says. Of a top structure only the members that no other place of
/// the request takes.
std::string json_text(const Member& member, const Value& value, bool body_members_only);

/// A value as an XML document with the root element `root`.
std::string xml_text(const Member& member, const Value& value, std::string_view root,
                     XmlNamespace root_namespace, bool body_members_only);

}  // namespace hallmark::aws
