/* The stand-in for libnvidia-ml: what a MIG slice is, and its load by GPU
 * performance monitoring (GPM), which NVIDIA has from Hopper on.
 *
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlMultiInstanceGPU.html
 * https://docs.nvidia.com/deploy/nvml-api/group__GPM.html
 */
#define _POSIX_C_SOURCE 200809L
#include "nvml_stub.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount, sharedEncoderCount;
    unsigned sharedJpegCount, sharedOfaCount, gpuInstanceSliceCount, computeInstanceSliceCount;
    unsigned long long memorySizeMB;
} nvmlDeviceAttributes_t;

typedef struct {
    const SimDevice *slice;
    double at; /* Unix time; 0: nothing was read into it yet */
} Sample;

typedef Sample *nvmlGpmSample_t;

typedef struct {
    unsigned metricId;
    nvmlReturn_t nvmlReturn;
    double value;
    struct {
        const char *shortName, *longName, *unit;
    } metricInfo;
} nvmlGpmMetric_t;

typedef struct {
    unsigned version, numMetrics;
    nvmlGpmSample_t sample1, sample2;
    nvmlGpmMetric_t metrics[]; /* as many as the caller has */
} nvmlGpmMetricsGet_t;

typedef struct {
    unsigned version, isSupportedDevice;
} nvmlGpmSupport_t;

enum { GPM_VERSION = 1, GPM_GRAPHICS_UTIL = 1, GPM_SM_UTIL = 2 };
enum { FIRST_INSTANCE = 7 }; /* as the driver numbers the smallest slices */

static bool from_hopper_on(const SimDevice *card) {
    return strstr(card->name, "H100") != NULL || strstr(card->name, "H200") != NULL ||
           strstr(card->name, "B200") != NULL;
}

static nvmlReturn_t ready_slice(nvmlDevice_t device, const void *out, SimFault *fault) {
    nvmlReturn_t result = ready_device(device, out, fault);
    return result == NVML_SUCCESS && device->mig_parent == NULL ? NVML_ERROR_NOT_SUPPORTED : result;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned *id) {
    SimFault fault;
    nvmlReturn_t result = ready_slice(device, id, &fault);
    if (result == NVML_SUCCESS)
        *id = FIRST_INSTANCE + device->index;
    return result;
}

/* "… MIG 1c.3g.40gb": one compute slice of a GPU instance that has three. */
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes) {
    SimFault fault;
    nvmlReturn_t result = ready_slice(device, attributes, &fault);
    if (result != NVML_SUCCESS)
        return result;
    unsigned instance = 1, compute = 1;
    const char *profile = strstr(device->name, " MIG ");
    if (profile != NULL && sscanf(profile, " MIG %uc.%ug.", &compute, &instance) != 2 &&
        sscanf(profile, " MIG %ug.", &instance) == 1)
        compute = instance;
    *attributes = (nvmlDeviceAttributes_t){
        .multiprocessorCount = 16 * compute,
        .gpuInstanceSliceCount = instance,
        .computeInstanceSliceCount = compute,
        .memorySizeMB = device->memory_bytes >> 20,
    };
    return NVML_SUCCESS;
}

/* ---- GPM ------------------------------------------------------------------- */

nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t device, nvmlGpmSupport_t *support) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, support, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (support->version != GPM_VERSION)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    support->isSupportedDevice = from_hopper_on(device);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *sample) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (sample == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *sample = calloc(1, sizeof **sample);
    return *sample != NULL ? NVML_SUCCESS : NVML_ERROR_UNKNOWN;
}

nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t sample) {
    if (sample == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    free(sample);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t device, unsigned instance, nvmlGpmSample_t sample) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, sample, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (!from_hopper_on(device) || !device->mig_mode)
        return NVML_ERROR_NOT_SUPPORTED;
    SimDevice *slice =
        instance >= FIRST_INSTANCE ? sim_slice(device, instance - FIRST_INSTANCE) : NULL;
    if (slice == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    *sample = (Sample){.slice = slice, .at = stub_now()};
    return NVML_SUCCESS;
}

static nvmlReturn_t metric(const Sample *before, const Sample *after, unsigned id, double *value) {
    if (id != GPM_GRAPHICS_UTIL && id != GPM_SM_UTIL)
        return NVML_ERROR_NOT_SUPPORTED;
    unsigned long long sum = sim_figures(before->slice, before->at).utilisation_percent +
                             sim_figures(after->slice, after->at).utilisation_percent;
    *value = (double)sum / 2;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *get) {
    SimFault fault;
    nvmlReturn_t result = ready(&fault);
    if (result != NVML_SUCCESS)
        return result;
    if (get == NULL || get->sample1 == NULL || get->sample2 == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (get->version != GPM_VERSION)
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    const Sample *before = get->sample1, *after = get->sample2;
    if (before->at <= 0 || after->at <= before->at || before->slice != after->slice)
        return NVML_ERROR_INVALID_ARGUMENT;
    for (unsigned each = 0; each < get->numMetrics; each++) {
        nvmlGpmMetric_t *wanted = &get->metrics[each];
        wanted->value = NAN;
        wanted->nvmlReturn = metric(before, after, wanted->metricId, &wanted->value);
    }
    return NVML_SUCCESS;
}
