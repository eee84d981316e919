/* Wine 8 lacks the library that programs written in Rust take their random numbers from, and ends them without a word. */
#include <windows.h>

/* RtlGenRandom, as it is called in advapi32. */
BOOLEAN NTAPI SystemFunction036(void *bytes, ULONG count);

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *bytes, SIZE_T count)
{
    return SystemFunction036(bytes, (ULONG)count);
}
