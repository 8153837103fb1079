/* The stand-in for libnvidia-ml: who uses a device, and what has gone wrong.
 *
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlEvents.html
 */
#define _POSIX_C_SOURCE 200809L
#include "nvml_stub.h"

#include <pthread.h>

typedef struct {
    unsigned pid;
    unsigned long long usedGpuMemory;
    unsigned gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_t;

typedef struct {
    unsigned pid;
    unsigned long long timeStamp;
    unsigned smUtil, memUtil, encUtil, decUtil;
} nvmlProcessUtilizationSample_t;

typedef struct {
    nvmlDevice_t device;
    unsigned long long eventType, eventData;
    unsigned gpuInstanceId, computeInstanceId;
} nvmlEventData_t;

typedef struct EventSet {
    bool used;
    nvmlDevice_t devices[SIM_MAX_DEVICES];
    unsigned count;
    unsigned told; /* the error that was told last, 0: none */
} EventSet;

typedef EventSet *nvmlEventSet_t;

enum { EVENT_XID = 0x8, MAX_EVENT_SETS = 8 };
static const unsigned NO_INSTANCE = 0xFFFFFFFFU;

static EventSet sets[MAX_EVENT_SETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- who ------------------------------------------------------------------- */

static nvmlReturn_t running(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_t *infos) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, count, &fault);
    if (result != NVML_SUCCESS)
        return result;
    SimProcess found[SIM_MAX_PROCESSES];
    unsigned number = sim_processes(device, found);
    unsigned room = *count;
    *count = number;
    if (number == 0)
        return NVML_SUCCESS;
    if (infos == NULL || room < number)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    for (unsigned each = 0; each < number; each++)
        infos[each] = (nvmlProcessInfo_t){
            .pid = found[each].pid,
            .usedGpuMemory = found[each].memory_bytes,
            .gpuInstanceId = NO_INSTANCE,
            .computeInstanceId = NO_INSTANCE,
        };
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                     nvmlProcessInfo_t *infos) {
    return running(device, count, infos);
}

/* No simulated GPU is shared through MPS: an empty list, told as NVML tells one. */
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                        nvmlProcessInfo_t *infos) {
    (void)infos;
    SimFault fault;
    nvmlReturn_t result = ready_device(device, count, &fault);
    if (result == NVML_SUCCESS)
        *count = 0;
    return result;
}

nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device,
                                             nvmlProcessUtilizationSample_t *samples,
                                             unsigned *count, unsigned long long since) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, count, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (device->mig_mode || fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    SimProcess found[SIM_MAX_PROCESSES];
    unsigned number = sim_processes(device, found);
    unsigned long long moment = (unsigned long long)(stub_now() * 1e6);
    if (number == 0 || moment <= since)
        return NVML_ERROR_NOT_FOUND;
    unsigned room = *count;
    *count = number;
    if (samples == NULL || room < number)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    for (unsigned each = 0; each < number; each++)
        samples[each] = (nvmlProcessUtilizationSample_t){
            .pid = found[each].pid, .timeStamp = moment, .smUtil = found[each].percent};
    return NVML_SUCCESS;
}

/* ---- what has gone wrong ----------------------------------------------------- */

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (set == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    result = NVML_ERROR_UNKNOWN;
    pthread_mutex_lock(&lock);
    for (unsigned each = 0; each < MAX_EVENT_SETS && result != NVML_SUCCESS; each++)
        if (!sets[each].used) {
            sets[each] = (EventSet){.used = true};
            *set = &sets[each];
            result = NVML_SUCCESS;
        }
    pthread_mutex_unlock(&lock);
    return result;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (set == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    pthread_mutex_lock(&lock);
    set->used = false;
    pthread_mutex_unlock(&lock);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long *types) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, types, &fault);
    if (result == NVML_SUCCESS)
        *types = fault.kind == SIM_FAULT_NOT_SUPPORTED ? 0 : EVENT_XID;
    return result;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types,
                                      nvmlEventSet_t set) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, set, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (types & ~(unsigned long long)EVENT_XID)
        return NVML_ERROR_NOT_SUPPORTED;
    pthread_mutex_lock(&lock);
    if (set->count < SIM_MAX_DEVICES)
        set->devices[set->count++] = device;
    pthread_mutex_unlock(&lock);
    return NVML_SUCCESS;
}

/* An error is told once, as long as it stands. It does not wait: nothing here
 * happens between two calls. */
nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned millis) {
    (void)millis;
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (set == NULL || data == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    result = NVML_ERROR_TIMEOUT;
    pthread_mutex_lock(&lock);
    if (fault.kind != SIM_FAULT_XID)
        set->told = 0;
    for (unsigned each = 0; each < set->count && fault.kind == SIM_FAULT_XID; each++)
        if (set->devices[each]->index == fault.device && set->told != fault.code) {
            set->told = fault.code;
            *data = (nvmlEventData_t){.device = set->devices[each],
                                      .eventType = EVENT_XID,
                                      .eventData = fault.code,
                                      .gpuInstanceId = NO_INSTANCE,
                                      .computeInstanceId = NO_INSTANCE};
            result = NVML_SUCCESS;
        }
    pthread_mutex_unlock(&lock);
    return result;
}
