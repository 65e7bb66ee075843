#pragma once

// Wrong weights of other programs, for the network of the good configuration.

#include "io/safetensors_testing.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/safetensors.hpp"
#include "system/bad_input.hpp"

namespace lockstep::system_test {

/// A tensor of zeros, or of one other number.
struct GivenTensor {
  std::string name;
  std::vector<Index> shape;
  float number = 0;
};

/// `trainer import` of a file with this content.
inline Arrange weights(const std::string& name, const std::string& content,
                       const Arguments& more = {}) {
  return [=](const Scene& scene) {
    scene.write(name, content);
    Arguments line = {"import", name, "--config", "config.toml", "--out", "out.h5"};
    line.insert(line.end(), more.begin(), more.end());
    return line;
  };
}

/// The same of a good safetensors file with these tensors.
inline Arrange tensors(const std::vector<GivenTensor>& given) {
  std::vector<std::vector<float>> numbers;
  Safetensors content;
  for (const GivenTensor& tensor : given) {
    Index size = 1;
    for (const Index dimension : tensor.shape) size *= dimension;
    numbers.emplace_back(static_cast<std::size_t>(size), tensor.number);
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    content.tensors.push_back(
        {given[i].name, "F32", given[i].shape, std::as_bytes(std::span(numbers[i]))});
  }
  return weights("w.safetensors", text_of(write_safetensors(content)));
}

inline std::vector<BadInput> bad_weights() {
  using enum ExitCode;
  const std::vector<GivenTensor> good = {
      {"fc1.bias", {8}}, {"fc1.weight", {8, 4}}, {"fc2.bias", {3}}, {"fc2.weight", {3, 8}}};
  const auto with = [&good](std::size_t index, const GivenTensor& tensor) {
    std::vector<GivenTensor> all = good;
    all[index] = tensor;
    return tensors(all);
  };
  std::vector<GivenTensor> one_more = good;
  one_more.push_back({"fc3.weight", {3, 3}});
  std::vector<GivenTensor> wrapped = {{"loss.weight", {3}}};
  for (const GivenTensor& tensor : good) wrapped.push_back({"module." + tensor.name, tensor.shape});
  const std::string entry = R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  return {
      {"Missing",
       no_input,
       {"nowhere", "No such file"},
       [](const Scene&) {
         return Arguments{"import", "nowhere", "--config", "config.toml", "--out", "out.h5"};
       }},
      {"ConfigMissing",
       no_input,
       {"nowhere.toml", "No such file"},
       [entry](const Scene& s) {
         s.write("w.safetensors", safetensors_file(entry, "abcd"));
         return Arguments{"import", "w.safetensors", "--config", "nowhere.toml", "--out", "out.h5"};
       }},
      {"ConfigWrong",
       config,
       {"'out' must be at least 1"},
       weights("w.safetensors", safetensors_file(entry, "abcd"), {"--set", "layer.fc1.out=0"})},
      {"NeitherFormat", bad_data, {"w.bin: no safetensors file"}, weights("w.bin", "hello, world")},
      {"TorchSave",
       bad_data,
       {"w.pt", "safetensors.torch.save_file"},
       weights("w.pt", "PK\3\4" + std::string(26, 'x') + "w/data.pkl")},
      {"SafetensorsTruncated",
       bad_data,
       {"w.safetensors: header: tensor 'x'", "within the 3 bytes of data"},
       weights("w.safetensors", safetensors_file(entry, "abc"))},
      {"SafetensorsOfNoJson",
       bad_data,
       {"w.safetensors: header: no JSON: byte 2"},
       weights("w.safetensors", safetensors_file("{]"))},
      {"Hdf5Truncated",
       bad_data,
       {"w.h5: not an HDF5 file, or a damaged one"},
       [](const Scene& s) {
         return weights("w.h5", s.checkpoint.substr(0, s.checkpoint.size() / 2))(s);
       }},
      {"Hdf5Nested",
       bad_data,
       {"w.h5: /fc1: expected a dataset, found a group"},
       [](const Scene& s) {
         Hdf5Writer file;
         file.dataset("/fc1/weight", {{8, 4}}, std::vector<float>(32));
         return weights("w.h5", text_of(file.finish()))(s);
       }},
      {"TensorMissing",
       bad_data,
       {"w.safetensors does not fit the network",
        "'fc2.bias' of layer 'fc2': expected shape (3), but the file does not have it"},
       with(2, {"fc2.weights", {3}})},
      {"TensorUnknown",
       bad_data,
       {"w.safetensors does not fit the network",
        "'fc3.weight' with shape (3, 3): no layer of the network has it"},
       tensors(one_more)},
      {"TensorTransposed",
       bad_data,
       {"'fc1.weight' of layer 'fc1': expected shape (8, 4), found (4, 8); the axes have another "
        "order, PyTorch's is (outputs, inputs)"},
       with(1, {"fc1.weight", {4, 8}})},
      {"TensorOfAnotherShape",
       bad_data,
       {"expected shape (8, 4), found (8, 4, 1, 1); as many numbers: reshape it"},
       with(1, {"fc1.weight", {8, 4, 1, 1}})},
      {"NamesBehindAPrefix",
       bad_data,
       {"'module.fc1.bias' with shape (8): no layer",
        "4 of the network's 4 tensors are there behind 'module.'; try: --strip-prefix module."},
       tensors(wrapped)},
      {"NamesBehindNoSuchPrefix",
       bad_data,
       {"w.safetensors: --strip-prefix: no name begins with 'net.'; the first is 'fc1.bias'"},
       [good](const Scene& s) {
         Arguments line = tensors(good)(s);
         line.insert(line.end(), {"--strip-prefix", "net."});
         return line;
       }},
      {"OfANewerLockstep",
       bad_data,
       {"w.safetensors: format_version: this trainer reads 1 to 2, found '3'; use a newer program"},
       [good](const Scene& s) {
         tensors(good)(s);
         const auto bytes = bytes_of(read_text(s.directory / "w.safetensors"));
         Safetensors content = read_safetensors(bytes, "w.safetensors");
         content.metadata = {{"lockstep_version", "9"}, {"format_version", "3"}};
         return weights("w.safetensors", text_of(write_safetensors(content)))(s);
       }},
      {"OntoAnotherFormat",
       usage,
       {"--out net.Safetensors: import writes a checkpoint in HDF5, which is not what .safetensors "
        "stands for",
        "try: --out net.h5"},
       [good](const Scene& s) {
         Arguments line = tensors(good)(s);
         line.back() = "net.Safetensors";
         return line;
       }},
      {"ExportOntoAnotherFormat",
       usage,
       {"--out net.v2.onnx: export writes safetensors, which is not what .onnx stands for",
        "try: --out net.v2.safetensors"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"export", "good.h5", "--out", "net.v2.onnx"};
       }},
      {"ExportLarge",
       bad_data,
       {"large.h5: no seal at its end"},
       large_checkpoint({"export"}, {"--out", "out"})},
      {"TensorNotFinite",
       bad_data,
       {"w.safetensors: tensor 'fc1.weight': number 0 is inf"},
       with(1, {"fc1.weight", {8, 4}, std::numeric_limits<float>::infinity()})},
      {"OntoAFile",
       cannot_create,
       {"data.csv exists, nothing was written", "--force"},
       [entry](const Scene& s) {
         s.write("w.safetensors", safetensors_file(entry, "abcd"));
         return Arguments{"import",      "w.safetensors", "--config",
                          "config.toml", "--out",         "data.csv"};
       }},
      {"IntoNowhere",
       cannot_create,
       {"nowhere/out.h5", "No such file or directory"},
       [good](const Scene& s) {
         Arguments line = tensors(good)(s);
         line.back() = "nowhere/out.h5";
         return line;
       }},
      {"ExportFlipped",
       bad_data,
       {"bad.h5", "content was changed"},
       [](const Scene& s) {
         std::string bytes = s.checkpoint;
         bytes[5000] = static_cast<char>(bytes[5000] ^ 1);
         s.write("bad.h5", bytes);
         return Arguments{"export", "bad.h5", "--out", "out.safetensors"};
       }},
      {"ExportToAnUnknownFormat",
       usage,
       {"--format", "pickle"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         return Arguments{"export", "good.h5", "--out", "out", "--format", "pickle"};
       }},
      {"ExportIntoADirectory",
       cannot_create,
       {"folder is no regular file"},
       [](const Scene& s) {
         s.write("good.h5", s.checkpoint);
         std::filesystem::create_directory(s.directory / "folder");
         return Arguments{"export", "good.h5", "--out", "folder", "--force"};
       }},
  };
}

}  // namespace lockstep::system_test
