# pinnace_module(NAME [DEPENDS module...] [PACKAGES pkg-config-name...] [LIBRARIES library...])
#
# Makes the static library pinnace_NAME of every .cc below the module's folder, and NAME_test of
# every *_test.cc, registered with CTest. Tests are compiled at -O1: they are read more than run.
# Sources named *_fuzz.cc become libFuzzer programs in the `fuzz` preset and nothing elsewhere.
function(pinnace_module name)
  cmake_parse_arguments(module "" "" "DEPENDS;PACKAGES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")

  add_library(pinnace_${name} STATIC ${sources})
  target_include_directories(pinnace_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(pinnace_${name} PUBLIC Threads::Threads)
  foreach(dependency ${module_DEPENDS})
    target_link_libraries(pinnace_${name} PUBLIC pinnace_${dependency})
  endforeach()
  foreach(package ${module_PACKAGES})
    string(MAKE_C_IDENTIFIER ${package} identifier)
    pkg_check_modules(${identifier} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    target_link_libraries(pinnace_${name} PRIVATE PkgConfig::${identifier})
  endforeach()
  target_link_libraries(pinnace_${name} PRIVATE ${module_LIBRARIES})

  if(tests)
    add_executable(${name}_test ${tests})
    target_compile_options(${name}_test PRIVATE -O1)
    target_link_libraries(${name}_test PRIVATE pinnace_${name} GTest::gtest GTest::gmock
                                               GTest::gtest_main)
    foreach(package ${module_PACKAGES})
      string(MAKE_C_IDENTIFIER ${package} identifier)
      target_link_libraries(${name}_test PRIVATE PkgConfig::${identifier})
    endforeach()
    # Disabled tests are parts of others, which start them as processes of their own; those on etcd need
    # its program (see store).
    gtest_discover_tests(${name}_test TEST_FILTER "-*.DISABLED_*:Etcd*" TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST
                         PROPERTIES LABELS unit TIMEOUT 300)
  endif()
  if(PINNACE_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${target} PRIVATE pinnace_${name})
    endforeach()
  endif()
endfunction()
