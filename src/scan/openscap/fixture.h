#pragma once
/// For tests: commands "in a machine" that are processes here, with an oscap that does as it is
/// told.

#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "scan/openscap/openscap.h"

namespace hallmark::scan::openscap {

/// A file of testdata/.
Path testdata(const std::string& name);

class LocalMachine {
 public:
  LocalMachine();

  /// `body` is shell; $results and $arf are the files that are asked for, $content the last
  /// argument.
  void set_oscap(const std::string& body);
  /// The one that is installed here, if any.
  void use_real_oscap();
  /// None is found, whatever is installed here.
  void hide_oscap();
  /// A program of that name in front of all others.
  void add_program(const std::string& name, const std::string& text);

  MachineCommands commands();
  /// All that the last oscap saw.
  std::string seen(const std::string& what) const;  ///< "environment", "arguments", "content"
  /// Names of what scripts left in their directory for temporary files.
  std::vector<std::string> leftovers() const;

  bool denied = false;
  bool dead = false;
  bool never_ends = false;
  bool lose_answer = false;  ///< of the next start, which takes effect
  std::size_t output_limit = std::size_t{16} << 20;
  std::map<std::string, std::string> environment;
  int starts = 0;
  std::map<std::string, std::string> scripts;  ///< by command; those that were not cancelled
  Path root() const { return directory_.path(); }

 private:
  MachineCommand read(const std::string& command_id);

  TempDir directory_;
  bool hidden_ = false;
  std::map<std::string, MachineCommand> ended_;
  std::map<std::string, Duration> limits_;
};

}  // namespace hallmark::scan::openscap
