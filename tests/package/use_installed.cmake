# Installs the build into a fresh prefix; then a user's project, which knows only that prefix, is configured, built
# and run.
# cmake -DBUILD_DIR=... -DUSER_DIR=... -DWORK_DIR=... -DGENERATOR=... -DCOMPILER=... -DBUILD_TYPE=... -DFLAGS=... -P use_installed.cmake
cmake_policy(VERSION 3.22)
file(REMOVE_RECURSE "${WORK_DIR}")

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    string(JOIN " " command ${ARGV})
    message(FATAL_ERROR "'${command}' gave ${status}:\n${output}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
# Moved, so that a path to the place of installation in the package does not go unnoticed.
file(RENAME "${WORK_DIR}/prefix" "${WORK_DIR}/moved")
run("${WORK_DIR}/moved/bin/trainer" --version)
# The mathematics for every instruction set that was built, where the dynamic loader looks for it.
file(GLOB sets RELATIVE "${WORK_DIR}/moved" "${WORK_DIR}/moved/lib*/glibc-hwcaps/*/liblockstep_math.so.?.?"
  "${WORK_DIR}/moved/lib/*/glibc-hwcaps/*/liblockstep_math.so.?.?")
list(LENGTH sets count)
if(NOT count EQUAL MORE_SETS)
  message(FATAL_ERROR "expected ${MORE_SETS} more sets, found: ${sets}")
endif()
run("${CMAKE_COMMAND}" -S "${USER_DIR}" -B "${WORK_DIR}/build" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved" "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}"
  "-DCMAKE_CXX_FLAGS=${FLAGS}")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
run("${WORK_DIR}/build/user")
file(REMOVE_RECURSE "${WORK_DIR}")
