// Declares the functions of libboxseg_codecs.so, the one library of ours that needs OpenCV's image codecs (and the
// eighty libraries behind them). Plain types and C names alone cross its border; no exception does. Threads may call at
// the same time.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

// Decodes an image of any format that OpenCV knows to 8-bit RGB; alpha is dropped and the orientation in EXIF ignored.
// Returns 0 when *pixels is [*height,*width,3], to be given to boxseg_codecs_free. Otherwise nothing but `error` is
// written, cut to error_size bytes with the final zero, and the result is 1 where it says what is wrong with the image
// ("is not an image of a known format ..."), or 2 where there is not enough memory for it.
int boxseg_codecs_decode(const uint8_t* bytes, size_t size, uint8_t** pixels, int64_t* height, int64_t* width,
                         char* error, size_t error_size);
void boxseg_codecs_free(uint8_t* pixels);

}  // extern "C"
