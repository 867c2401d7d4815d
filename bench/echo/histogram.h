// Counts of nanoseconds in cells that are 1/32 of their value wide at most; no allocation.
#pragma once

#include <stdint.h>

enum { histogram_steps = 32, histogram_cells = 64 * histogram_steps };

struct histogram {
  uint64_t count;
  uint64_t cells[histogram_cells];
};

void histogram_clear(struct histogram* h);
void histogram_add(struct histogram* h, uint64_t ns);

// The middle of the cell below which the part `q` of what was added lies; 0 if nothing was.
double histogram_quantile(const struct histogram* h, double q);
