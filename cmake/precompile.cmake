# The outside headers that most files read, read once: for rooms, and with GoogleTest for their tests. They take
# half the time it takes to compile a file. The release preset goes without, so that a file that forgets to include
# one of them does not compile there.
if(HALLMARK_PRECOMPILE)
  set(empty ${PROJECT_BINARY_DIR}/precompiled.cc)
  if(NOT EXISTS ${empty})
    file(WRITE ${empty} "")
  endif()
  add_compile_options(-fpch-preprocess -Winvalid-pch)
  set(common <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <set> <span> <stop_token>
    <string> <string_view> <vector> <fmt/chrono.h> <fmt/format.h> <nlohmann/json.hpp>)
  add_library(precompiled_room OBJECT ${empty})
  target_link_libraries(precompiled_room PRIVATE fmt::fmt)
  target_precompile_headers(precompiled_room PRIVATE ${common})
  add_library(precompiled_test OBJECT ${empty})
  target_link_libraries(precompiled_test PRIVATE fmt::fmt GTest::gtest GTest::gmock)
  target_precompile_headers(precompiled_test PRIVATE ${common} <gmock/gmock.h> <gtest/gtest.h>)
endif()

# precompile(<target> room|test): lets a target use them.
function(precompile target kind)
  if(HALLMARK_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
  endif()
endfunction()
