// Linked into programs that are built with AddressSanitizer. c-ares, which gRPC finds names with,
// leaks ten bytes.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libcares\n"; }
