# One library per room, one unit-test binary per room. Lists are explicit: a file that is not named
# here is not built, and tests/structure checks that every source file is named somewhere.

# batch(<target> <files>): several files are compiled as one, which takes half as long: what they include is
# instantiated once. scripts/batches finds files that go together; those that a room lists as APART go alone.
function(batch target)
  if(NOT HALLMARK_BATCH)
    return()
  endif()
  find_program(HALLMARK_PYTHON NAMES python3 REQUIRED)
  execute_process(COMMAND ${HALLMARK_PYTHON} ${PROJECT_SOURCE_DIR}/scripts/batches ${ARGN}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE numbers COMMAND_ERROR_IS_FATAL ANY)
  foreach(file number IN ZIP_LISTS ARGN numbers)
    if(number)
      set_source_files_properties(${file} PROPERTIES UNITY_GROUP ${target}_${number})
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# add_room(<room> SOURCES a.cc .. DEPS other rooms .. LIBS outside libraries ..)
function(add_room room)
  cmake_parse_arguments(ROOM "" "" "SOURCES;APART;DEPS;LIBS;INCLUDES" ${ARGN})
  add_library(${room} STATIC ${ROOM_SOURCES} ${ROOM_APART})
  target_include_directories(${room} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_include_directories(${room} SYSTEM PRIVATE ${ROOM_INCLUDES})
  target_link_libraries(${room} PUBLIC ${ROOM_DEPS} PRIVATE ${ROOM_LIBS})
  precompile(${room} room)
  batch(${room} ${ROOM_SOURCES})
endfunction()

# add_room_test(<room> SOURCES a_test.cc .. DEPS rooms .. LABEL unit|integration
#   PROPERTIES more properties of the tests ..)
# Builds <room>_test and registers each of its test cases with ctest under that label.
include(GoogleTest)
function(add_room_test room)
  if(HALLMARK_RULE_ONLY)
    return()
  endif()
  cmake_parse_arguments(ROOM "" "LABEL;TIMEOUT" "SOURCES;APART;DEPS;LIBS;PROPERTIES" ${ARGN})
  if(NOT ROOM_LABEL)
    set(ROOM_LABEL unit)
  endif()
  if(NOT ROOM_TIMEOUT)
    set(ROOM_TIMEOUT 60)
  endif()
  set(name ${room}_test)
  if(NOT ROOM_LABEL STREQUAL unit)
    set(name ${room}_${ROOM_LABEL}_test)
  endif()
  add_executable(${name} ${ROOM_SOURCES} ${ROOM_APART})
  target_link_libraries(${name} PRIVATE ${ROOM_DEPS} ${ROOM_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  precompile(${name} test)
  batch(${name} ${ROOM_SOURCES})
  # The long ones first: at the end nothing would be left to run beside them.
  set(cost 1)
  if(NOT ROOM_LABEL STREQUAL unit)
    set(cost 100)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES COST ${cost} LABELS ${ROOM_LABEL} TIMEOUT ${ROOM_TIMEOUT} ${ROOM_PROPERTIES})
endfunction()

# What a test needs that asks HALLMARK_TEST_POSTGRESQL for a server; see tests/postgresql.
set(HALLMARK_POSTGRESQL_DIRECTORY ${PROJECT_BINARY_DIR}/tests/postgresql/server)
set(HALLMARK_POSTGRESQL FIXTURES_REQUIRED postgresql
  ENVIRONMENT HALLMARK_TEST_POSTGRESQL=${HALLMARK_POSTGRESQL_DIRECTORY}/url)

# add_postgresql_test(<room> FILTER of Google Test)
# The room's unit tests once more, with PostgreSQL instead of SQLite, as one test: a process for each would cost more
# than what they do.
function(add_postgresql_test room)
  if(HALLMARK_RULE_ONLY)
    return()
  endif()
  cmake_parse_arguments(ROOM "" "FILTER" "" ${ARGN})
  if(NOT ROOM_FILTER)
    set(ROOM_FILTER "*")
  endif()
  add_test(NAME postgresql.${room} COMMAND ${room}_test --gtest_filter=${ROOM_FILTER} --gtest_brief=1)
  set_tests_properties(postgresql.${room} PROPERTIES COST 400 LABELS integration TIMEOUT 300 ${HALLMARK_POSTGRESQL})
endfunction()
