// Thread-locals of the library that the paths of nanoseconds read.
#pragma once

// In a shared library the default is a call for each access, which triples the cost of a yield and
// doubles that of a spawn. This takes room in the block that every thread has from its beginning,
// of which the dynamic linker keeps some for libraries that are loaded later: use it for a few
// words.
#if defined(__ELF__)
#define EDDY_FAST_THREAD_LOCAL [[gnu::tls_model("initial-exec")]]
#else
#define EDDY_FAST_THREAD_LOCAL
#endif
