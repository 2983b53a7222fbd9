#include "aws/models/embedded.h"

// The assembler takes the file as it is: no compiler has to read it as source text.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "hallmark_aws_models:\n"
    ".incbin \"" HALLMARK_AWS_MODELS_FILE
    "\"\n"
    "hallmark_aws_models_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char hallmark_aws_models[];
extern const char hallmark_aws_models_end[];
}

namespace hallmark::aws {

std::string_view embedded_models() {
  return {hallmark_aws_models,
          static_cast<std::size_t>(hallmark_aws_models_end - hallmark_aws_models)};
}

}  // namespace hallmark::aws
