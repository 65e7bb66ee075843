# lockstep_test(TARGET FILE LIBRARY)        one GoogleTest program, run alone
# lockstep_mpi_test(TARGET FILE [RANKS...]) the same program under mpirun, registered once per rank count
set(LOCKSTEP_TEST_ENVIRONMENT
  "OMPI_ALLOW_RUN_AS_ROOT=1" "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" "OMPI_MCA_btl_vader_single_copy_mechanism=none"
  "OMP_WAIT_POLICY=passive")

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

function(lockstep_test_program target file library)
  add_executable(${target} ${file})
  if(NOT library STREQUAL "lockstep_double")  # other definitions, so the compiler would refuse them
    target_precompile_headers(${target} REUSE_FROM lockstep_test_headers)
  endif()
  target_compile_options(${target} PRIVATE -O1)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  target_include_directories(${target} SYSTEM PRIVATE ${HDF5_INCLUDE_DIRS})
  target_compile_definitions(${target} PRIVATE
    LOCKSTEP_SOURCE_DIR="${PROJECT_SOURCE_DIR}" LOCKSTEP_TRAINER="$<TARGET_FILE:trainer>"
    LOCKSTEP_MPIEXEC="${MPIEXEC_EXECUTABLE}" $<$<BOOL:${PNG_FOUND}>:LOCKSTEP_HAS_PNG>)
  target_link_libraries(${target} PRIVATE ${library} lockstep_options GTest::gmock GTest::gtest fmt::fmt
    nlohmann_json::nlohmann_json ZLIB::ZLIB ${HDF5_C_LIBRARIES})
  add_dependencies(${target} trainer)
endfunction()

function(lockstep_test target file library)
  lockstep_test_program(${target} ${file} ${library})
  target_link_libraries(${target} PRIVATE GTest::gtest_main)
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES TIMEOUT 300 ENVIRONMENT "${LOCKSTEP_TEST_ENVIRONMENT}")
  if(library STREQUAL "lockstep" AND file MATCHES "^(base|kernels|nn|optim|train|setup|run|infer)/")
    foreach(set IN LISTS lockstep_lesser_sets)
      add_test(NAME ${target}_${set} COMMAND ${target})
      set_tests_properties(${target}_${set} PROPERTIES TIMEOUT 300
        ENVIRONMENT "${LOCKSTEP_TEST_ENVIRONMENT};LOCKSTEP_ISA=${set}")
    endforeach()
  endif()
endfunction()

function(lockstep_mpi_test target file)
  lockstep_test_program(${target} ${file} lockstep)
  target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/mpi_main.cpp")
  foreach(ranks IN LISTS ARGN)
    add_test(NAME ${target}_np${ranks}
      COMMAND ${MPIEXEC_EXECUTABLE} -np ${ranks} --oversubscribe $<TARGET_FILE:${target}>)
    set_tests_properties(${target}_np${ranks} PROPERTIES TIMEOUT 300 PROCESSORS 2
      ENVIRONMENT "${LOCKSTEP_TEST_ENVIRONMENT}")
    if(file MATCHES "^train/trainer_mpi" AND ranks EQUAL 3)
      foreach(set IN LISTS lockstep_lesser_sets)
        add_test(NAME ${target}_np${ranks}_${set}
          COMMAND ${MPIEXEC_EXECUTABLE} -np ${ranks} --oversubscribe $<TARGET_FILE:${target}>)
        set_tests_properties(${target}_np${ranks}_${set} PROPERTIES TIMEOUT 300 PROCESSORS 2
          ENVIRONMENT "${LOCKSTEP_TEST_ENVIRONMENT};LOCKSTEP_ISA=${set}")
      endforeach()
    endif()
  endforeach()
endfunction()
