# Targets: lockstep_math (the modules whose speed is that of a run, once for each instruction set), lockstep (all other
# modules), trainer (program), lockstep_double (the mathematics in double precision, for gradient checks only).

# -- How everything is compiled ------------------------------------------------------------------------------------
# lockstep_any_options for whatever instruction set, lockstep_options for the first one.
set(lockstep_first_arch "")
set(lockstep_more_arch ${LOCKSTEP_ARCH})
if(LOCKSTEP_ARCH)
  list(POP_FRONT lockstep_more_arch lockstep_first_arch)
endif()
add_library(lockstep_any_options INTERFACE)
target_compile_features(lockstep_any_options INTERFACE cxx_std_20)
target_compile_options(lockstep_any_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  # The contract of equal bits: the compiler may not decide which a * b + c becomes one rounding.
  -ffp-contract=off
  # Nobody reads errno after sqrt, or the flags of floating-point exceptions; otherwise g++ leaves
  # loops with sqrt, and without mask registers (AVX2) all with a choice between numbers, to scalar
  # code. No result depends on it.
  -fno-math-errno -fno-trapping-math)
if(LOCKSTEP_WERROR)
  target_compile_options(lockstep_any_options INTERFACE -Werror)
endif()
if(LOCKSTEP_SANITIZE)
  # Checks of virtual tables open files, which the processes that read strangers' files cannot.
  target_compile_options(lockstep_any_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE} -fno-sanitize=vptr
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lockstep_any_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE})
endif()
# Those of LOCKSTEP_ARCH that this machine has, from the least to the most.
set(lockstep_usable_arch ${LOCKSTEP_ARCH})
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo lockstep_flags REGEX "^flags" LIMIT_COUNT 1)
  if(NOT lockstep_flags MATCHES " avx512vl" OR NOT lockstep_flags MATCHES " avx512bw")
    list(REMOVE_ITEM lockstep_usable_arch x86-64-v4)
  endif()
endif()
function(lockstep_compile_for target scope arch)
  if(arch)
    target_compile_options(${target} ${scope} -march=${arch})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # Loops of ours are bound by memory or by one FMA per load: full-width vectors pay.
      target_compile_options(${target} ${scope} -mprefer-vector-width=512)
    endif()
  endif()
endfunction()
add_library(lockstep_options INTERFACE)
target_link_libraries(lockstep_options INTERFACE lockstep_any_options)
lockstep_compile_for(lockstep_options INTERFACE "${lockstep_first_arch}")

# The innermost loops are optimised in a Debug build, too: it would be of no use without.
file(GLOB lockstep_tile_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/kernels/*tile.cpp")
set_source_files_properties(${lockstep_tile_sources} "${PROJECT_SOURCE_DIR}/src/kernels/fma_peak.cpp" PROPERTIES
  COMPILE_OPTIONS "-O3")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 in the headers of the standard library and of fmt (GCC bugs 105329, 105651) ...
  target_compile_options(lockstep_any_options INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  # ... and AVX-512 intrinsics within Eigen (GCC bug 105593).
  set_source_files_properties("${PROJECT_SOURCE_DIR}/src/kernels/gemm_eigen.cpp" PROPERTIES
    COMPILE_OPTIONS "-Wno-maybe-uninitialized;-Wno-uninitialized")
endif()

# Most of a file's time goes into headers: files of a module are compiled together, so what only one of them sees has a
# name that no other of its module has. Kernels stay apart: their loops do not depend on neighbours. So do files with
# COMPILE_OPTIONS of their own.
function(lockstep_compile_together target)
  if(NOT LOCKSTEP_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    string(REGEX MATCH "/src/([a-z]+)/" module "${source}")
    set(module "${CMAKE_MATCH_1}")
    if(NOT module STREQUAL "kernels")
      math(EXPR count_${module} "${count_${module}} + 1")
      math(EXPR batch "(${count_${module}} - 1) / 8")
      set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "${module}_${batch}")
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# Third-party headers are SYSTEM: their warnings are not ours.
function(lockstep_use_eigen target)
  get_target_property(eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(${target} SYSTEM PRIVATE ${eigen_include})
  target_compile_definitions(${target} PRIVATE EIGEN_DONT_PARALLELIZE EIGEN_NO_DEBUG)
endfunction()

# -- The mathematics, for each instruction set ---------------------------------------------------------------------
# Shared libraries of one name: the first in lib/, the others in lib/glibc-hwcaps/SET, where the dynamic loader finds
# the best one that the processor has (ld.so(8)). What programs call is the same.
set(lockstep_math_modules base comm kernels nn optim reduce)
set(lockstep_math_sources "")
foreach(module IN LISTS lockstep_math_modules)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${module}/*.cpp")
  list(APPEND lockstep_math_sources ${sources})
endforeach()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  # It tells a processor that lacks what the others need.
  set_source_files_properties("${PROJECT_SOURCE_DIR}/src/base/instruction_set.cpp" PROPERTIES
    COMPILE_OPTIONS "-march=x86-64")
endif()
list(JOIN LOCKSTEP_ARCH " " lockstep_arch_list)

function(lockstep_add_math target arch directory)
  add_library(${target} SHARED ${lockstep_math_sources})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_definitions(${target} PRIVATE LOCKSTEP_ISA="${arch}" LOCKSTEP_ISA_LIST="${lockstep_arch_list}")
  lockstep_compile_for(${target} PRIVATE "${arch}")
  # Calls within the library are calls, not jumps through a table that another library may rewrite.
  target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  target_link_options(${target} PRIVATE "-Wl,--dynamic-list=${PROJECT_SOURCE_DIR}/cmake/replaceable.list")
  lockstep_use_eigen(${target})
  target_link_libraries(${target} PUBLIC MPI::MPI_CXX OpenMP::OpenMP_CXX
    PRIVATE $<BUILD_INTERFACE:lockstep_any_options> fmt::fmt)
  if(LOCKSTEP_HAS_ONEDNN)
    target_compile_definitions(${target} PRIVATE LOCKSTEP_HAS_ONEDNN)
    target_include_directories(${target} SYSTEM PRIVATE ${OneDNN_INCLUDE_DIR})
    target_link_libraries(${target} PRIVATE ${OneDNN_LIBRARY})
  endif()
  lockstep_compile_together(${target})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME lockstep_math
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${directory}")
endfunction()

lockstep_add_math(lockstep_math "${lockstep_first_arch}" lib)
# What an earlier configuration has left would be loaded.
file(GLOB lockstep_old_arch RELATIVE "${PROJECT_BINARY_DIR}/lib/glibc-hwcaps" "${PROJECT_BINARY_DIR}/lib/glibc-hwcaps/*")
foreach(arch IN LISTS lockstep_old_arch)
  if(NOT arch IN_LIST lockstep_more_arch)
    file(REMOVE_RECURSE "${PROJECT_BINARY_DIR}/lib/glibc-hwcaps/${arch}")
  endif()
endforeach()
foreach(arch IN LISTS lockstep_more_arch)
  if(NOT arch MATCHES "^x86-64-v[234]$")
    message(FATAL_ERROR "LOCKSTEP_ARCH: '${arch}' is not a level that the dynamic loader chooses from: x86-64-v2, x86-64-v3, x86-64-v4")
  endif()
  string(REPLACE "-" "_" target "lockstep_math_${arch}")
  lockstep_add_math(${target} ${arch} lib/glibc-hwcaps/${arch})
endforeach()

# -- The library ---------------------------------------------------------------------------------------------------
file(GLOB_RECURSE lockstep_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/*.cpp")
list(REMOVE_ITEM lockstep_sources ${lockstep_math_sources})
list(FILTER lockstep_sources EXCLUDE REGEX "/src/cli/")
# Of these modules no step waits, and their headers are large: spare the compiler. What walks over all data is not among them.
set(lockstep_run_sources ${lockstep_sources})
list(FILTER lockstep_run_sources INCLUDE REGEX "/src/(config|run|setup)/")
list(FILTER lockstep_run_sources EXCLUDE REGEX "/setup/(look/|check_targets|class_weights)")
list(REMOVE_ITEM lockstep_sources ${lockstep_run_sources})

function(lockstep_use_libraries target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_include_directories(${target} SYSTEM PRIVATE ${HDF5_INCLUDE_DIRS} ${XXHASH_INCLUDE_DIR})
  target_compile_definitions(${target} PRIVATE XXH_INLINE_ALL)
  target_link_libraries(${target}
    PUBLIC lockstep_math
    PRIVATE $<BUILD_INTERFACE:lockstep_options> $<BUILD_INTERFACE:tomlplusplus::tomlplusplus>
            $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> fmt::fmt ZLIB::ZLIB ${HDF5_C_LIBRARIES})
  if(PNG_FOUND)
    target_compile_definitions(${target} PRIVATE LOCKSTEP_HAS_PNG)
    target_link_libraries(${target} PRIVATE PNG::PNG)
  endif()
  lockstep_compile_together(${target})
endfunction()

add_library(lockstep_run OBJECT ${lockstep_run_sources})
lockstep_use_libraries(lockstep_run)
target_compile_options(lockstep_run PRIVATE $<$<CONFIG:Release>:-O1>)
add_library(lockstep STATIC ${lockstep_sources} $<TARGET_OBJECTS:lockstep_run>)
add_library(lockstep::lockstep ALIAS lockstep)
lockstep_use_libraries(lockstep)
# Who builds no more than the program gets what this machine can use.
foreach(arch IN LISTS lockstep_usable_arch)
  if(NOT arch STREQUAL lockstep_first_arch)
    string(REPLACE "-" "_" target "lockstep_math_${arch}")
    add_dependencies(lockstep ${target})
  endif()
endforeach()

# -- The mathematics again, in double ------------------------------------------------------------------------------
file(GLOB_RECURSE lockstep_double_sources CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/src/base/*.cpp" "${PROJECT_SOURCE_DIR}/src/kernels/*.cpp"
  "${PROJECT_SOURCE_DIR}/src/nn/*.cpp" "${PROJECT_SOURCE_DIR}/src/optim/*.cpp")
add_library(lockstep_double STATIC EXCLUDE_FROM_ALL ${lockstep_double_sources})
target_include_directories(lockstep_double
  PUBLIC "${PROJECT_SOURCE_DIR}/include" PRIVATE "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(lockstep_double PUBLIC LOCKSTEP_DOUBLE
  PRIVATE LOCKSTEP_ISA="${lockstep_first_arch}" LOCKSTEP_ISA_LIST="${lockstep_first_arch}")
lockstep_use_eigen(lockstep_double)
target_link_libraries(lockstep_double PUBLIC OpenMP::OpenMP_CXX PRIVATE lockstep_options fmt::fmt)
lockstep_compile_together(lockstep_double)

# -- The program ---------------------------------------------------------------------------------------------------
# Everything but main, so that tests can link it.
file(GLOB_RECURSE cli_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/cli/*.cpp")
list(FILTER cli_sources EXCLUDE REGEX "/main\\.cpp$")
add_library(lockstep_cli STATIC ${cli_sources})
target_include_directories(lockstep_cli PUBLIC "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(lockstep_cli PUBLIC lockstep
  PRIVATE lockstep_options CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
# Large headers and nothing that runs per sample: spare the compiler.
target_compile_options(lockstep_cli PRIVATE -O1)
lockstep_compile_together(lockstep_cli)
add_executable(trainer "${PROJECT_SOURCE_DIR}/src/cli/main.cpp")
target_link_libraries(trainer PRIVATE lockstep_cli lockstep_options)
file(RELATIVE_PATH lockstep_bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
set_target_properties(trainer PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin"
  INSTALL_RPATH "$ORIGIN/${lockstep_bin_to_lib}")

include(LockstepVersion)
