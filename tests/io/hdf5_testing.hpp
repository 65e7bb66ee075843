#pragma once

#include <hdf5.h>

#include <numeric>
#include <string>
#include <vector>

namespace lockstep {

/// Adds a dataset of floats or bytes to an HDF5 file, which is made if `first`; in deflated chunks
/// of `chunk_rows` rows, or contiguous if that is 0.
template <typename T>
void write_hdf5_rows(const std::string& file, const std::string& name, bool first,
                     const std::vector<hsize_t>& shape, const std::vector<T>& values,
                     hsize_t chunk_rows = 0) {
  const hid_t type = sizeof(T) == 1 ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT;
  const hid_t to = first ? H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)
                         : H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const int rank = static_cast<int>(shape.size());
  const hid_t space = H5Screate_simple(rank, shape.data(), nullptr);
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  if (chunk_rows > 0) {
    std::vector<hsize_t> chunk = shape;
    chunk[0] = chunk_rows;
    H5Pset_chunk(properties, rank, chunk.data());
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, 4);
  }
  const hid_t dataset =
      H5Dcreate2(to, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Dclose(dataset);
  H5Pclose(properties);
  H5Sclose(space);
  H5Fclose(to);
}

/// A set x, y of `count` samples of `columns` numbers whose class shows in them. Sample i has i in
/// column 0, so that samples are told apart.
inline void write_hdf5_set(const std::string& file, int count, int columns, int classes,
                           hsize_t chunk_rows = 0) {
  std::vector<float> x;
  std::vector<std::uint8_t> y;
  unsigned noise = 1;
  for (int i = 0; i < count; ++i) {
    y.push_back(static_cast<std::uint8_t>(i * 7 % classes));
    x.push_back(static_cast<float>(i));
    for (int c = 1; c < columns; ++c) {
      noise = noise * 1664525u + 1013904223u;
      x.push_back(static_cast<float>(noise >> 24) / 256 + ((c - y.back()) % classes == 0 ? 1 : 0));
    }
  }
  const auto n = static_cast<hsize_t>(count);
  write_hdf5_rows(file, "x", true, {n, static_cast<hsize_t>(columns)}, x, chunk_rows);
  write_hdf5_rows(file, "y", false, {n}, y);
}

}  // namespace lockstep
