/* A stand-in for NVIDIA's libnvidia-ml.so.1 over simulated GPUs.
 *
 * It lets the real NVML code path of a workspace run on a machine without a
 * GPU: the calls that the panel makes, with NVML's own return codes, argument
 * checks and buffer sizes (https://docs.nvidia.com/deploy/nvml-api/). What a
 * person sees of it says "simulated": the driver's version does. Calls that are
 * not here do not exist in the library, which NVML's clients know how to take.
 */
#define _POSIX_C_SOURCE 200809L
#include "nvml_stub.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users; /* how often nvmlInit was called more than nvmlShutdown */

double stub_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void take_time(unsigned millis) {
    struct timespec wait = {.tv_sec = millis / 1000, .tv_nsec = (long)(millis % 1000) * 1000000};
    nanosleep(&wait, NULL);
}

/* What stands before every call but init: is the library open, is the driver there? */
nvmlReturn_t ready(SimFault *fault) {
    sim_count_call();
    *fault = sim_fault();
    if (fault->slow_millis > 0)
        take_time(fault->slow_millis);
    pthread_mutex_lock(&lock);
    unsigned open = users;
    pthread_mutex_unlock(&lock);
    if (open == 0)
        return NVML_ERROR_UNINITIALIZED;
    return fault->kind == SIM_FAULT_DRIVER_NOT_LOADED ? NVML_ERROR_UNKNOWN : NVML_SUCCESS;
}

/* The same for a call about one device: a known handle, on a card that is not lost. */
nvmlReturn_t ready_device(nvmlDevice_t device, const void *out, SimFault *fault) {
    nvmlReturn_t result = ready(fault);
    if (result != NVML_SUCCESS)
        return result;
    if (out == NULL || !sim_known(device))
        return NVML_ERROR_INVALID_ARGUMENT;
    const SimDevice *card = device->mig_parent ? device->mig_parent : device;
    if (fault->kind == SIM_FAULT_GPU_LOST && card->index == fault->device)
        return NVML_ERROR_GPU_IS_LOST;
    return NVML_SUCCESS;
}

/* For what the driver tells of whole cards only. */
nvmlReturn_t ready_card(nvmlDevice_t device, const void *out, SimFault *fault) {
    nvmlReturn_t result = ready_device(device, out, fault);
    return result == NVML_SUCCESS && device->mig_parent ? NVML_ERROR_NOT_SUPPORTED : result;
}

nvmlReturn_t copy_text(const char *text, char *into, unsigned room) {
    if (into == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    size_t length = strlen(text) + 1;
    if (length > room)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    memcpy(into, text, length);
    return NVML_SUCCESS;
}

/* ---- the library ---------------------------------------------------------- */

nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    sim_count_call();
    SimFault fault = sim_fault();
    if (fault.kind == SIM_FAULT_DRIVER_NOT_LOADED)
        return NVML_ERROR_DRIVER_NOT_LOADED;
    nvmlReturn_t result = NVML_SUCCESS;
    pthread_mutex_lock(&lock);
    if (users == 0 && !sim_load())
        result = NVML_ERROR_UNKNOWN;
    else
        users++;
    pthread_mutex_unlock(&lock);
    return result;
}

nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlInit(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlShutdown(void) {
    nvmlReturn_t result = NVML_ERROR_UNINITIALIZED;
    pthread_mutex_lock(&lock);
    if (users > 0) {
        users--;
        result = NVML_SUCCESS;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

const char *nvmlErrorString(nvmlReturn_t result) {
    switch (result) {
    case NVML_SUCCESS: return "Success";
    case NVML_ERROR_UNINITIALIZED: return "Uninitialized";
    case NVML_ERROR_INVALID_ARGUMENT: return "Invalid Argument";
    case NVML_ERROR_NOT_SUPPORTED: return "Not Supported";
    case NVML_ERROR_NOT_FOUND: return "Not Found";
    case NVML_ERROR_INSUFFICIENT_SIZE: return "Insufficient Size";
    case NVML_ERROR_DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case NVML_ERROR_TIMEOUT: return "Timeout";
    case NVML_ERROR_GPU_IS_LOST: return "GPU is lost";
    case NVML_ERROR_ARGUMENT_VERSION_MISMATCH: return "Argument version mismatch";
    default: return "Unknown Error";
    }
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    return result == NVML_SUCCESS ? copy_text("simulated", version, length) : result;
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned length) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    return result == NVML_SUCCESS ? copy_text("simulated", version, length) : result;
}

/* ---- finding devices ------------------------------------------------------- */

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (count == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *count = sim_card_count();
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (device == NULL || index >= sim_card_count())
        return NVML_ERROR_INVALID_ARGUMENT;
    if (fault.kind == SIM_FAULT_GPU_LOST && index == fault.device)
        return NVML_ERROR_GPU_IS_LOST;
    *device = sim_card(index);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (uuid == NULL || device == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    SimDevice *found = sim_by_uuid(uuid);
    if (found == NULL)
        return NVML_ERROR_NOT_FOUND;
    result = ready_device(found, device, &fault);
    if (result == NVML_SUCCESS)
        *device = found;
    return result;
}

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, index, &fault);
    if (result == NVML_SUCCESS)
        *index = device->index;
    return result;
}

/* ---- MIG ------------------------------------------------------------------- */

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, current, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (pending == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *current = *pending = device->mig_mode ? 1 : 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned *is_mig) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, is_mig, &fault);
    if (result == NVML_SUCCESS)
        *is_mig = device->mig_parent != NULL;
    return result;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, count, &fault);
    if (result == NVML_SUCCESS)
        *count = device->mig_mode ? MAX_MIG_DEVICES : 0;
    return result;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index,
                                                 nvmlDevice_t *slice) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, slice, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (!device->mig_mode)
        return NVML_ERROR_NOT_SUPPORTED;
    if (index >= MAX_MIG_DEVICES)
        return NVML_ERROR_INVALID_ARGUMENT;
    SimDevice *found = sim_slice(device, index);
    if (found == NULL)
        return NVML_ERROR_NOT_FOUND;
    *slice = found;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t slice,
                                                          nvmlDevice_t *device) {
    SimFault fault;
    nvmlReturn_t result = ready_device(slice, device, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (slice->mig_parent == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *device = slice->mig_parent;
    return NVML_SUCCESS;
}
