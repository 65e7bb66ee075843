// What sanitizers are told in programs that fuzz.

// Whatever a file declares, more memory than this at once is not taken for it: libhdf5 must live
// with the refusal, a parser of ours must not ask.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=512:quarantine_size_mb=32";
}

// Some of what libhdf5 took for a damaged file it never gives back.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
