# Targets: lockstep (library), trainer (program), lockstep_double (the mathematics in double precision, for
# gradient checks only).

add_library(lockstep_options INTERFACE)
target_compile_features(lockstep_options INTERFACE cxx_std_20)
target_compile_options(lockstep_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  # The contract of equal bits: the compiler may not decide which a * b + c becomes one rounding.
  -ffp-contract=off
  # Nobody reads errno after sqrt; without it loops with sqrt are not vectorised.
  -fno-math-errno)
if(LOCKSTEP_WERROR)
  target_compile_options(lockstep_options INTERFACE -Werror)
endif()
if(LOCKSTEP_ARCH)
  target_compile_options(lockstep_options INTERFACE -march=${LOCKSTEP_ARCH})
endif()
if(LOCKSTEP_ARCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Loops of ours are bound by memory or by one FMA per load: full-width vectors pay.
  target_compile_options(lockstep_options INTERFACE -mprefer-vector-width=512)
endif()
if(LOCKSTEP_SANITIZE)
  # Checks of virtual tables open files, which the processes that read strangers' files cannot.
  target_compile_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE} -fno-sanitize=vptr
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE})
endif()

# The innermost loops are optimised in a Debug build, too: it would be of no use without.
file(GLOB lockstep_tile_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/kernels/*tile.cpp")
set_source_files_properties(${lockstep_tile_sources} "${PROJECT_SOURCE_DIR}/src/kernels/fma_peak.cpp" PROPERTIES
  COMPILE_OPTIONS "-O3")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 in the headers of the standard library and of fmt (GCC bugs 105329, 105651) ...
  target_compile_options(lockstep_options INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  # ... and AVX-512 intrinsics within Eigen (GCC bug 105593).
  set_source_files_properties("${PROJECT_SOURCE_DIR}/src/kernels/gemm_eigen.cpp" PROPERTIES
    COMPILE_OPTIONS "-Wno-maybe-uninitialized;-Wno-uninitialized")
endif()

# Third-party headers are SYSTEM: their warnings are not ours.
function(lockstep_use_eigen target)
  get_target_property(eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(${target} SYSTEM PRIVATE ${eigen_include})
  target_compile_definitions(${target} PRIVATE EIGEN_DONT_PARALLELIZE EIGEN_NO_DEBUG)
endfunction()

# -- The library ---------------------------------------------------------------------------------------------------
file(GLOB_RECURSE lockstep_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/*.cpp")
list(FILTER lockstep_sources EXCLUDE REGEX "/src/cli/")
add_library(lockstep STATIC ${lockstep_sources})
add_library(lockstep::lockstep ALIAS lockstep)
target_include_directories(lockstep
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  PRIVATE "${PROJECT_SOURCE_DIR}/src")
target_include_directories(lockstep SYSTEM PRIVATE ${HDF5_INCLUDE_DIRS} ${XXHASH_INCLUDE_DIR})
target_compile_features(lockstep PUBLIC cxx_std_20)
target_compile_definitions(lockstep PRIVATE XXH_INLINE_ALL)
lockstep_use_eigen(lockstep)
target_link_libraries(lockstep
  PUBLIC MPI::MPI_CXX OpenMP::OpenMP_CXX
  PRIVATE $<BUILD_INTERFACE:lockstep_options> $<BUILD_INTERFACE:tomlplusplus::tomlplusplus>
          $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> fmt::fmt ZLIB::ZLIB ${HDF5_C_LIBRARIES})
if(PNG_FOUND)
  target_compile_definitions(lockstep PRIVATE LOCKSTEP_HAS_PNG)
  target_link_libraries(lockstep PRIVATE PNG::PNG)
endif()
if(LOCKSTEP_HAS_ONEDNN)
  target_compile_definitions(lockstep PRIVATE LOCKSTEP_HAS_ONEDNN)
  target_include_directories(lockstep SYSTEM PRIVATE ${OneDNN_INCLUDE_DIR})
  target_link_libraries(lockstep PRIVATE ${OneDNN_LIBRARY})
endif()

# -- The mathematics again, in double ------------------------------------------------------------------------------
file(GLOB_RECURSE lockstep_double_sources CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/src/base/*.cpp" "${PROJECT_SOURCE_DIR}/src/kernels/*.cpp"
  "${PROJECT_SOURCE_DIR}/src/nn/*.cpp" "${PROJECT_SOURCE_DIR}/src/optim/*.cpp"
  # What the blocks of layers need.
  "${PROJECT_SOURCE_DIR}/src/train/catalogue/blocks.cpp" "${PROJECT_SOURCE_DIR}/src/config/settings.cpp"
  "${PROJECT_SOURCE_DIR}/src/config/place.cpp" "${PROJECT_SOURCE_DIR}/src/config/excerpt.cpp"
  "${PROJECT_SOURCE_DIR}/src/config/problems.cpp")
add_library(lockstep_double STATIC EXCLUDE_FROM_ALL ${lockstep_double_sources})
target_include_directories(lockstep_double
  PUBLIC "${PROJECT_SOURCE_DIR}/include" PRIVATE "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(lockstep_double PUBLIC LOCKSTEP_DOUBLE)
lockstep_use_eigen(lockstep_double)
target_link_libraries(lockstep_double PUBLIC OpenMP::OpenMP_CXX PRIVATE lockstep_options fmt::fmt)

# -- The program ---------------------------------------------------------------------------------------------------
# Everything but main, so that tests can link it.
file(GLOB cli_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/cli/*.cpp")
list(FILTER cli_sources EXCLUDE REGEX "/main\\.cpp$")
add_library(lockstep_cli STATIC ${cli_sources})
target_include_directories(lockstep_cli PUBLIC "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(lockstep_cli PUBLIC lockstep
  PRIVATE lockstep_options CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
# Large headers and nothing that runs per sample: spare the compiler.
target_compile_options(lockstep_cli PRIVATE -O1)
add_executable(trainer "${PROJECT_SOURCE_DIR}/src/cli/main.cpp")
target_link_libraries(trainer PRIVATE lockstep_cli lockstep_options)
set_target_properties(trainer PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

include(LockstepVersion)
