/* What the parts of the stand-in for libnvidia-ml have in common: NVML's types
 * and return codes as its documentation gives them, and the checks that stand
 * before every call.
 */
#ifndef STUDIOLO_NVML_STUB_H
#define STUDIOLO_NVML_STUB_H

#include "simulation.h"

typedef int nvmlReturn_t;
typedef SimDevice *nvmlDevice_t;

enum {
    NVML_SUCCESS = 0,
    NVML_ERROR_UNINITIALIZED = 1,
    NVML_ERROR_INVALID_ARGUMENT = 2,
    NVML_ERROR_NOT_SUPPORTED = 3,
    NVML_ERROR_NOT_FOUND = 6,
    NVML_ERROR_INSUFFICIENT_SIZE = 7,
    NVML_ERROR_DRIVER_NOT_LOADED = 9,
    NVML_ERROR_TIMEOUT = 10,
    NVML_ERROR_GPU_IS_LOST = 15,
    NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_ERROR_UNKNOWN = 999,
};

enum { NVML_CLOCK_GRAPHICS, NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_CLOCK_VIDEO };
enum { MAX_MIG_DEVICES = 7 };

typedef struct {
    unsigned long long total, free, used;
} nvmlMemory_t;

typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} nvmlMemory_v2_t;

typedef struct {
    unsigned gpu, memory;
} nvmlUtilization_t;

typedef struct {
    unsigned version;
    unsigned sensorType;
    int temperature;
} nvmlTemperature_v1_t;

/* NVML's versioned structures carry their size and their version in one word. */
#define VERSION_OF(type, number) ((unsigned)(sizeof(type) | ((unsigned)(number) << 24)))

/* Ours alone, as in simulation.h. */
#pragma GCC visibility push(hidden)

double stub_now(void); /* Unix time */

/* What stands before every call but init: is the library open, is the driver there? */
nvmlReturn_t ready(SimFault *fault);
/* The same for a call about one device: a known handle, on a card that is not lost. */
nvmlReturn_t ready_device(nvmlDevice_t device, const void *out, SimFault *fault);
/* For what the driver tells of whole cards only. */
nvmlReturn_t ready_card(nvmlDevice_t device, const void *out, SimFault *fault);
nvmlReturn_t copy_text(const char *text, char *into, unsigned room);

#pragma GCC visibility pop

#endif
