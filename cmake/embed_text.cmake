# The build-time half of embed.cmake: writes OUTPUT, a C++ file defining FUNCTION over INPUTS, or over all files
# below DIRECTORY, by their paths in it.
string(REGEX REPLACE "::[^:]+$" "" namespace ${FUNCTION})
string(REGEX REPLACE "^.*::" "" name ${FUNCTION})
string(REPLACE "|" ";" files "${INPUTS}")
if(DIRECTORY)
  file(GLOB_RECURSE files ${DIRECTORY}/*)
endif()
set(rows "")
foreach(file IN LISTS files)
  if(DIRECTORY)
    file(RELATIVE_PATH base ${DIRECTORY} ${file})
  else()
    get_filename_component(base ${file} NAME)
  endif()
  file(READ ${file} content)
  string(APPEND rows "      {\"${base}\", R\"~embedded~(${content})~embedded~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include <string_view>
#include <utility>
#include <vector>

namespace ${namespace} {
const std::vector<std::pair<std::string_view, std::string_view>>& ${name}();
const std::vector<std::pair<std::string_view, std::string_view>>& ${name}() {
  static const std::vector<std::pair<std::string_view, std::string_view>> files = {
${rows}  };
  return files;
}
}  // namespace ${namespace}
")
