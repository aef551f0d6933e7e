/* A libcuda.so.1 for tests on machines without a card: what it answers stands in BOXSEG_FAKE_CUDA, as
 * "version=12080 init=803 cards=7.5,9.0"; what is left out is version 13000, no error, and no card. Like the driver it
 * fails with 100 (no device) when CUDA_VISIBLE_DEVICES is empty. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int major, minor;
} Card;

static const char* setting(const char* name) {
  const char* all = getenv("BOXSEG_FAKE_CUDA");
  const char* found = all != NULL ? strstr(all, name) : NULL;
  return found != NULL ? found + strlen(name) : NULL;
}

static int number(const char* name, int otherwise) {
  const char* text = setting(name);
  return text != NULL ? atoi(text) : otherwise;
}

static int cards(Card* out, int room) {
  const char* text = setting("cards=");
  int count = 0, length = 0;
  while (text != NULL && count < room && sscanf(text, "%d.%d%n", &out[count].major, &out[count].minor, &length) == 2) {
    ++count;
    text = text[length] == ',' ? text + length + 1 : NULL;
  }
  return count;
}

int cuDriverGetVersion(int* version) {
  *version = number("version=", 13000);
  return 0;
}

int cuInit(unsigned flags) {
  const char* visible = getenv("CUDA_VISIBLE_DEVICES");
  (void)flags;
  return visible != NULL && *visible == '\0' ? 100 : number("init=", 0);
}

int cuDeviceGetCount(int* count) {
  Card all[8];
  *count = cards(all, 8);
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}

int cuDeviceGetName(char* name, int size, int device) {
  snprintf(name, (size_t)size, "Fake card %d", device);
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
  Card all[8];
  if (device >= cards(all, 8)) return 101;
  *value = attribute == 75 ? all[device].major : attribute == 76 ? all[device].minor : 0;
  return 0;
}

int cuGetErrorString(int error, const char** text) {
  *text = error == 100 ? "no CUDA-capable device is detected" : "an error of the fake driver";
  return 0;
}
