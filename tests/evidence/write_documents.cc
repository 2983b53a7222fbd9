// Writes the evidence of the test subjects for documents_test.py: DIRECTORY/<subject>/...
#include <cstdio>

#include "base/error.h"
#include "evidence/bundle.h"
#include "evidence/fixture.h"

int main(int argc, char** argv) {
  using namespace hallmark;
  if (argc != 2) return 2;
  try {
    const SigningKey key = SigningKey::generate();
    const Path directory = argv[1];
    write_file(directory / "key.pub", key.public_key().pem());
    for (const auto& [name, subject] : {std::pair("small", evidence::small_subject()),
                                        std::pair("empty", evidence::empty_subject()),
                                        std::pair("hostile", evidence::hostile_subject())}) {
      evidence::write_bundle(directory / name, subject, evidence::documents(subject, key), key);
    }
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.full_text().c_str());
    return 1;
  }
  return 0;
}
