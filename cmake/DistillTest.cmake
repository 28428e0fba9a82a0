# distill_tensor_options(TARGET): for programs of tests that use LibTorch: with the core's precompiled
# header, which was made with -fPIC, as good for a test, and optimised.
function(distill_tensor_options target)
  target_compile_options(${target} PRIVATE -O1 -fPIC)
  target_precompile_headers(${target} REUSE_FROM distill_device)
endfunction()

# distill_add_test(NAME x_test SOURCES ... LINK ... [LABELS ...] [TIMEOUT seconds] [SERIAL] [DISCOVER]
#   [TENSORS] [PARTS number])
#
# One GoogleTest binary. Registered as one test, or, with DISCOVER, as one test per case (only for
# binaries that start fast: not those that load LibTorch), or, with PARTS, as so many tests of a part
# of the cases each, which may run side by side. TENSORS: its files use LibTorch, and share
# the core's precompiled header; all others share one of GoogleTest and GoogleMock (tests/test_pch.cc).
# The time-out is for what hangs, and far from what a case takes on a busy machine.
# Tests are optimised little or not at all: most of their time goes into compiling.
function(distill_add_test)
  cmake_parse_arguments(arg "SERIAL;DISCOVER;TENSORS" "NAME;TIMEOUT;PARTS" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  distill_sanitizer_defaults(${arg_NAME})
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LINK} GTest::gmock GTest::gtest_main distill::warnings)
  if(arg_TENSORS)
    distill_tensor_options(${arg_NAME})
  else()
    target_compile_options(${arg_NAME} PRIVATE -O0 -pthread)  # as the header was made
    target_precompile_headers(${arg_NAME} REUSE_FROM distill_test_pch)
  endif()
  # No SKIP_REGULAR_EXPRESSION: CTest would report a program with a failed and a skipped case as
  # skipped. gtest_discover_tests sets one itself, for single cases.
  set(properties TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "DISTILL_TEST_DATA=${DISTILL_TEST_DATA}")
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  if(arg_DISCOVER)
    gtest_discover_tests(${arg_NAME} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
  elseif(arg_PARTS)
    distill_add_parts(${arg_NAME} ${arg_NAME} ${arg_PARTS} ${properties})
  else()
    add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
    set_tests_properties(${arg_NAME} PROPERTIES ${properties})
  endif()
endfunction()

# distill_add_parts(NAME TARGET NUMBER PROPERTIES...): the tests NAME_1 to NAME_NUMBER, each of which
# runs its share of TARGET's cases.
function(distill_add_parts name target number)
  math(EXPR last "${number} - 1")
  foreach(index RANGE ${last})
    math(EXPR part "${index} + 1")
    add_test(NAME ${name}_${part} COMMAND ${target})
    set_tests_properties(${name}_${part} PROPERTIES ${ARGN})
    set_property(TEST ${name}_${part} APPEND PROPERTY
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${number}" "GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
