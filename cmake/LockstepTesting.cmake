# lockstep_test_program(NAME LIBRARY FILES...)   one GoogleTest program of several files
# lockstep_test(PROGRAM FILE)                    the tests of a file, run alone
# lockstep_mpi_test(PROGRAM FILE [RANKS...])     the same under mpirun, registered once per rank count
set(LOCKSTEP_TEST_ENVIRONMENT
  "OMPI_ALLOW_RUN_AS_ROOT=1" "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" "OMPI_MCA_btl_vader_single_copy_mechanism=none"
  "OMP_WAIT_POLICY=passive"
  # Networks that are not there are not looked for: half the time of a start.
  "OMPI_MCA_pml=ob1")

if(LOCKSTEP_SANITIZE)
  # Open MPI never frees what it takes at start-up: with it, leaks cannot be told apart.
  list(APPEND LOCKSTEP_TEST_ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0")
endif()

# Most of the time goes into compiling, not into running: tests are optimised little, and the headers that nearly
# all of them include are compiled once. -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON checks that each still includes its own.
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/test_headers.cpp" CONTENT "")
add_library(lockstep_test_headers OBJECT "${CMAKE_CURRENT_BINARY_DIR}/test_headers.cpp")
target_precompile_headers(lockstep_test_headers PRIVATE
  <gtest/gtest.h> <fmt/format.h> <nlohmann/json.hpp> <filesystem> <fstream>)
target_compile_options(lockstep_test_headers PRIVATE -O1)
target_link_libraries(lockstep_test_headers PRIVATE lockstep lockstep_options GTest::gtest fmt::fmt
  nlohmann_json::nlohmann_json)

# The instruction sets that this machine has beside the best one, which every process takes by itself.
set(lockstep_lesser_sets ${lockstep_usable_arch})
list(POP_BACK lockstep_lesser_sets)

function(lockstep_test_program program library)
  add_executable(${program} ${ARGN})
  if(NOT library STREQUAL "lockstep_double")  # other definitions, so the compiler would refuse them
    target_precompile_headers(${program} REUSE_FROM lockstep_test_headers)
  endif()
  if(LOCKSTEP_UNITY)
    set_target_properties(${program} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
  target_compile_options(${program} PRIVATE -O1)
  target_include_directories(${program} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  target_include_directories(${program} SYSTEM PRIVATE ${HDF5_INCLUDE_DIRS})
  target_compile_definitions(${program} PRIVATE
    LOCKSTEP_SOURCE_DIR="${PROJECT_SOURCE_DIR}" LOCKSTEP_TRAINER="$<TARGET_FILE:trainer>"
    LOCKSTEP_MPIEXEC="${MPIEXEC_EXECUTABLE}" $<$<BOOL:${PNG_FOUND}>:LOCKSTEP_HAS_PNG>)
  target_link_libraries(${program} PRIVATE ${library} lockstep_options GTest::gmock GTest::gtest fmt::fmt
    nlohmann_json::nlohmann_json ZLIB::ZLIB ${HDF5_C_LIBRARIES})
  add_dependencies(${program} trainer)
endfunction()

# What --gtest_filter selects the tests of a file by. Each suite of a program stands in one file.
function(lockstep_filter variable program file)
  file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/${file}" tests REGEX "^(TYPED_)?TEST(_[FP])?\\(")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  set(suites "")
  foreach(test IN LISTS tests)
    string(REGEX REPLACE "^[A-Z_]+\\(([A-Za-z0-9_]+).*" "\\1" suite "${test}")
    list(APPEND suites ${suite})
  endforeach()
  list(REMOVE_DUPLICATES suites)
  set(filter "")
  foreach(suite IN LISTS suites)
    get_property(other TARGET ${program} PROPERTY lockstep_file_of_${suite})
    if(other)
      message(FATAL_ERROR "${file}: suite '${suite}' stands in ${other}, too: give one of them another name")
    endif()
    set_property(TARGET ${program} PROPERTY lockstep_file_of_${suite} "${file}")
    list(APPEND filter "${suite}.*" "${suite}/*" "*/${suite}.*")
  endforeach()
  if(NOT filter)
    message(FATAL_ERROR "${file}: no tests")
  endif()
  list(JOIN filter ":" filter)
  set(${variable} "--gtest_filter=${filter}" PARENT_SCOPE)
endfunction()

# lockstep_add_tests(NAME PROCESSORS SETS COMMAND...)   a test, and again for each instruction set of the list
function(lockstep_add_tests name processors sets)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 PROCESSORS ${processors}
    ENVIRONMENT "${LOCKSTEP_TEST_ENVIRONMENT}")
  foreach(set IN LISTS sets)
    add_test(NAME ${name}_${set} COMMAND ${ARGN})
    set_tests_properties(${name}_${set} PROPERTIES TIMEOUT 300 PROCESSORS ${processors}
      ENVIRONMENT "${LOCKSTEP_TEST_ENVIRONMENT};LOCKSTEP_ISA=${set}")
  endforeach()
endfunction()

function(lockstep_test program file)
  string(REGEX REPLACE "/(.*)\\.cpp$" "_\\1" name "${file}")
  lockstep_filter(filter ${program} ${file})
  set(sets "")
  if(file MATCHES "^(base|kernels|nn|optim|train|setup|run|infer)/" AND NOT file MATCHES "_double_test")
    set(sets ${lockstep_lesser_sets})
  endif()
  lockstep_add_tests(${name} 1 "${sets}" ${program} "${filter}")
endfunction()

function(lockstep_mpi_test program file)
  string(REGEX REPLACE "/(.*)\\.cpp$" "_\\1" name "${file}")
  lockstep_filter(filter ${program} ${file})
  foreach(ranks IN LISTS ARGN)
    set(sets "")
    if(file MATCHES "^train/trainer_mpi" AND ranks EQUAL 3)
      set(sets ${lockstep_lesser_sets})
    endif()
    lockstep_add_tests(${name}_np${ranks} 2 "${sets}"
      ${MPIEXEC_EXECUTABLE} -np ${ranks} --oversubscribe $<TARGET_FILE:${program}> "${filter}")
  endforeach()
endfunction()
