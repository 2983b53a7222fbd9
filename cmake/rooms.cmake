# One library per room, one unit-test binary per room. Lists are explicit: a file that is not named
# here is not built, and tests/structure checks that every source file is named somewhere.

# batch(<room>): several of its files are compiled as one, which takes half as long: what they include is
# instantiated once. Files of one room must not use one name for two things in their unnamed namespaces; rooms
# in which they do, as each command has its own list() and each format its kMagic, say ALONE.
function(batch room)
  if(HALLMARK_BATCH)
    set_target_properties(${room} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 5)
  endif()
endfunction()

# add_room(<room> [ALONE] SOURCES a.cc .. DEPS other rooms .. LIBS outside libraries ..)
function(add_room room)
  cmake_parse_arguments(ROOM "ALONE" "" "SOURCES;DEPS;LIBS;INCLUDES" ${ARGN})
  add_library(${room} STATIC ${ROOM_SOURCES})
  target_include_directories(${room} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_include_directories(${room} SYSTEM PRIVATE ${ROOM_INCLUDES})
  target_link_libraries(${room} PUBLIC ${ROOM_DEPS} PRIVATE ${ROOM_LIBS})
  precompile(${room} room)
  if(NOT ROOM_ALONE)
    batch(${room})
  endif()
endfunction()

# add_room_test(<room> SOURCES a_test.cc .. DEPS rooms .. LABEL unit|integration
#   PROPERTIES more properties of the tests ..)
# Builds <room>_test and registers each of its test cases with ctest under that label.
include(GoogleTest)
function(add_room_test room)
  if(HALLMARK_RULE_ONLY)
    return()
  endif()
  cmake_parse_arguments(ROOM "" "LABEL;TIMEOUT" "SOURCES;DEPS;LIBS;PROPERTIES" ${ARGN})
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
  add_executable(${name} ${ROOM_SOURCES})
  target_link_libraries(${name} PRIVATE ${ROOM_DEPS} ${ROOM_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  precompile(${name} test)
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
