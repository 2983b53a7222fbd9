#include "aws/models/embedded.h"

// The assembler takes the file as it is: no compiler has to read it as source text. The names are
// global, because arm64's linker mistakes local ones that are reached by way of its table of
// addresses for the section's begin.
asm(".pushsection .rodata\n"
    ".globl hallmark_aws_models\n"
    ".hidden hallmark_aws_models\n"
    ".globl hallmark_aws_models_end\n"
    ".hidden hallmark_aws_models_end\n"
    ".balign 16\n"
    "hallmark_aws_models:\n"
    ".incbin \"" HALLMARK_AWS_MODELS_FILE
    "\"\n"
    "hallmark_aws_models_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
[[gnu::visibility("hidden")]] extern const char hallmark_aws_models[];
[[gnu::visibility("hidden")]] extern const char hallmark_aws_models_end[];
}

namespace hallmark::aws {

std::string_view embedded_models() {
  return {hallmark_aws_models,
          static_cast<std::size_t>(hallmark_aws_models_end - hallmark_aws_models)};
}

}  // namespace hallmark::aws
