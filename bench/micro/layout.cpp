// These bytes of nothing lie before a program's own code and move it back by as many: how fast a
// short loop is depends on where it lies, and one program always has it in the same place. A shared
// library's code stays where it is, as it does in every program that uses it.
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

#ifdef __ELF__
// GNU ld places what is hot before the rest.
__asm__(".section .text.hot, \"ax\", @progbits\n\t.space " TEXT(EDDY_BYTES_BEFORE));
#endif
