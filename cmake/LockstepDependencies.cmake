# Everything Lockstep is built on, each a Debian package. Optional ones are looked for at the end.
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
set(HDF5_PREFER_PARALLEL FALSE)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)

# Optional: images as PNG.
find_package(PNG QUIET)

set(LOCKSTEP_HAS_ONEDNN OFF)
if(LOCKSTEP_WITH_ONEDNN)
  find_package(OneDNN QUIET)
  if(OneDNN_FOUND)
    set(LOCKSTEP_HAS_ONEDNN ON)
  endif()
endif()
