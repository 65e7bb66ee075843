#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep {

/// A safetensors file put together by hand, right or wrong.
inline std::string safetensors_file(std::string_view header, std::string_view data = {}) {
  const std::uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  return file.append(header).append(data);
}

}  // namespace lockstep
