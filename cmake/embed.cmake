# embed_text(<target> <namespace::function> <file>..)
# Compiles text files into the target. The caller declares, in a header of its own,
#   namespace a::b { const std::vector<std::pair<std::string_view, std::string_view>>& function(); }
# and gets (file name without directory, content) in the order given. A changed file is embedded
# anew by the next build.
function(embed_text target function)
  set(inputs)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND inputs ${file})
  endforeach()
  string(REPLACE "::" "_" stem ${function})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${stem}.cc)
  string(REPLACE ";" "|" joined "${inputs}")
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFUNCTION=${function} "-DINPUTS=${joined}" -DOUTPUT=${output} -P ${script}
    DEPENDS ${inputs} ${script} VERBATIM
    COMMENT "Embedding text for ${function}")
  target_sources(${target} PRIVATE ${output})
endfunction()

# embed_directory(<target> <namespace::function> <directory> <stamp>)
# The same with all files below a directory that the build makes, by their paths in it: "assets/index.js".
# `stamp` is a file that the build touches when it made the directory anew.
function(embed_directory target function directory stamp)
  string(REPLACE "::" "_" stem ${function})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${stem}.cc)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFUNCTION=${function} -DDIRECTORY=${directory} -DOUTPUT=${output} -P ${script}
    DEPENDS ${stamp} ${script} VERBATIM
    COMMENT "Embedding ${directory} for ${function}")
  target_sources(${target} PRIVATE ${output})
endfunction()
