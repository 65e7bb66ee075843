#pragma once

#include "lockstep/base/file_kind.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {

/// The content of a file, unpacked if it is gzip.
[[nodiscard]] DataFile unpacked_file(const std::string& path);

/// The same of a file of samples or labels.
/// Errors: bad_data if it is empty, or of a kind that is not read here.
[[nodiscard]] DataFile read_data_file(const std::string& path);

/// Errors: always bad_data: the file does not start as `expected`, such as "a PNG image", does.
[[noreturn]] void reject_start(const DataFile& file, std::string_view expected);

/// The file of the targets of a format that keeps them apart.
/// Errors: config if the source names none.
[[nodiscard]] DataFile read_labels_file(const Source& source);

// -- The formats: one file each, a row of the table in formats.cpp each
// -------------------------------------------

/// IDX, the format of MNIST: type and dimensions, then big-endian numbers. Source:
/// yann.lecun.com/exdb/mnist.
[[nodiscard]] bool is_idx(std::span<const std::byte> bytes);
[[nodiscard]] Dataset load_idx(const Source& source, const DataFile& file);

/// NumPy arrays, one file of inputs and one of targets.
/// Source: numpy.lib.format.
[[nodiscard]] bool is_npy(std::span<const std::byte> bytes);
[[nodiscard]] Dataset load_npy(const Source& source, const DataFile& file);

/// Datasets of an HDF5 file.
[[nodiscard]] Dataset load_hdf5(const Source& source, const DataFile& file);
/// The set with streamed inputs; nothing if it is no HDF5, or small enough to be loaded.
[[nodiscard]] std::optional<Dataset> open_hdf5(const Source& source,
                                               const std::vector<std::string>& files,
                                               const std::string& group);
[[nodiscard]] std::unique_ptr<InputFile> open_hdf5_inputs(const Source& source,
                                                          const std::vector<std::string>& files,
                                                          const std::string& group);
/// The path of an object of an HDF5 file: "/group/name" of parts that may have slashes of their
/// own.
[[nodiscard]] std::string hdf5_path(const std::string& group, const std::string& name);
/// That of the weights; empty if all are 1.
/// Errors: config if it is a number.
[[nodiscard]] std::string hdf5_weights_path(const Source& source, const std::string& group);

/// CIFAR-10 as its authors gave it away: records of a label and three planes of colour. Known by
/// its extension only.
/// Source: www.cs.toronto.edu/~kriz/cifar.html.
[[nodiscard]] Dataset load_cifar10(const Source& source, const DataFile& file);

/// Recordings, one file each: RIFF WAVE with integers of 8 to 32 bits or floats, all at one rate.
[[nodiscard]] bool is_wav(std::span<const std::byte> bytes);
[[nodiscard]] Dataset load_wav(const Source& source, const std::vector<std::string>& files);

/// Images, one file each: binary PGM (P5) and PPM (P6), all of one size. Up to 255 as the brightest
/// value they are bytes, above it reals, from 0 to 255 either way. Source:
/// netpbm.sourceforge.net/doc/pgm.html.
[[nodiscard]] bool is_pnm(std::span<const std::byte> bytes);
[[nodiscard]] Dataset load_pnm(const Source& source, const std::vector<std::string>& files);

/// Images, one file each, all of one size. Palettes become colours, 16 bits reals from 0 to 255;
/// transparency is left out and said. Needs libpng.
/// Source: www.w3.org/TR/png.
[[nodiscard]] bool is_png(std::span<const std::byte> bytes);
[[nodiscard]] Dataset load_png(const Source& source, const std::vector<std::string>& files);

/// A text whose next symbols are to be predicted: all files in a row. Never found out, for every
/// file is a text.
[[nodiscard]] Dataset load_text(const Source& source, const std::vector<std::string>& files);

/// Text with one sample per line; known by its extension only. The first of several files says what
/// the columns are, and words as labels are those of all.
[[nodiscard]] Dataset load_csv(const Source& source, const std::vector<std::string>& files);

}  // namespace lockstep
