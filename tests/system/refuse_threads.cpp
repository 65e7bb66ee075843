// To be preloaded: no more threads than ALLOWED_THREADS at a time for the program itself and for
// OpenMP, as under a limit of processes. Those of other libraries are not counted.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<int> running{0};

struct Start {
  void* (*function)(void*);
  void* argument;
};

void* run(void* pointer) {
  const Start start = *static_cast<Start*>(pointer);
  delete static_cast<Start*>(pointer);
  void* const result = start.function(start.argument);
  --running;
  return result;
}

/// Whether a function is in libstdc++ or libgomp.
bool counts(void* caller) {
  Dl_info info{};
  if (::dladdr(caller, &info) == 0 || info.dli_fname == nullptr) return false;
  return std::strstr(info.dli_fname, "libstdc++") != nullptr ||
         std::strstr(info.dli_fname, "libgomp") != nullptr;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*function)(void*), void* argument) noexcept {
  static auto* const real =
      reinterpret_cast<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
          ::dlsym(RTLD_NEXT, "pthread_create"));
  if (!counts(__builtin_return_address(0))) return real(thread, attributes, function, argument);
  static const char* const allowed = std::getenv("ALLOWED_THREADS");
  if (allowed != nullptr && running.fetch_add(1) >= std::atoi(allowed)) {
    --running;
    return EAGAIN;
  }
  auto* const start = new Start{function, argument};
  const int error = real(thread, attributes, run, start);
  if (error != 0) {
    --running;
    delete start;
  }
  return error;
}
