#pragma once

#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace lockstep {

/// Owner of an HDF5 identifier, closed by the function that fits its kind.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }

  operator hid_t() const { return id_; }  // NOLINT: an owner that reads like the identifier
  [[nodiscard]] bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  Close close_;
};

/// Lets one thread at a time into libhdf5, which need not be built for several; it may enter again.
class Hdf5Lock {
 private:
  static std::recursive_mutex& mutex() {
    static std::recursive_mutex instance;
    return instance;
  }
  std::scoped_lock<std::recursive_mutex> lock_{mutex()};
};

/// Prepares libhdf5 for memory images from strangers, once: no message on stderr, no filter
/// plug-in, no external link, and no clean-up at exit, which can crash.
inline void prepare_hdf5() {
  static const bool prepared = [] {
    H5dont_atexit();  // must be the first call into the library
    H5open();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLset_loading_state(0);
    H5Lunregister(H5L_TYPE_EXTERNAL);
    return true;
  }();
  static_cast<void>(prepared);
}

/// A name under which no file can ever exist, since the core driver tries to open it; another one
/// for each `owner`, since libhdf5 takes open files of equal names for one file.
inline std::string no_such_file(const void* owner) {
  return "/dev/null/" + std::to_string(reinterpret_cast<std::uintptr_t>(owner));
}

}  // namespace lockstep
