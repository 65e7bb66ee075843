# version.hpp: what this binary was built from and with. The commit is read at every build, not only at configure time.
string(STRIP "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS}" lockstep_compiler)
set(LOCKSTEP_VERSION_HEADER "${PROJECT_BINARY_DIR}/generated/lockstep_build_info.hpp")
add_custom_target(lockstep_build_info
  BYPRODUCTS "${LOCKSTEP_VERSION_HEADER}"
  COMMAND ${CMAKE_COMMAND}
    -DOUTPUT=${LOCKSTEP_VERSION_HEADER} -DSOURCE_DIR=${PROJECT_SOURCE_DIR}
    -DVERSION=${PROJECT_VERSION} "-DCOMPILER=${lockstep_compiler}"
    -DBUILD_TYPE=${CMAKE_BUILD_TYPE} -DSANITIZE=${LOCKSTEP_SANITIZE}
    -P "${PROJECT_SOURCE_DIR}/cmake/WriteBuildInfo.cmake"
  VERBATIM)
add_dependencies(lockstep_run lockstep_build_info)
target_include_directories(lockstep_run PRIVATE "${PROJECT_BINARY_DIR}/generated")
