#include "histogram.h"

#include <string.h>

enum { step_bits = 5 };

void histogram_clear(struct histogram* h) { memset(h, 0, sizeof *h); }

// Below 32 each value has a cell; above, five bits after the first choose within a power of two.
static unsigned cell_of(uint64_t ns) {
  if (ns < histogram_steps) return (unsigned)ns;
  const unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - step_bits;
  return (shift + 1) * histogram_steps + (unsigned)(ns >> shift) - histogram_steps;
}

static double middle_of(unsigned cell) {
  if (cell < histogram_steps) return cell;
  const unsigned shift = cell / histogram_steps - 1;
  const double width = (double)(1ULL << shift);
  return (histogram_steps + cell % histogram_steps + 0.5) * width;
}

void histogram_add(struct histogram* h, uint64_t ns) {
  ++h->count;
  ++h->cells[cell_of(ns)];
}

double histogram_quantile(const struct histogram* h, double q) {
  const double wanted = q * (double)h->count;
  uint64_t seen = 0;
  for (unsigned cell = 0; cell < histogram_cells; ++cell) {
    seen += h->cells[cell];
    if (seen > 0 && (double)seen >= wanted) return middle_of(cell);
  }
  return 0;
}
