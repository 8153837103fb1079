/* The stand-in for libnvidia-ml: what a device is and does.
 *
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
 */
#define _POSIX_C_SOURCE 200809L
#include "nvml_stub.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned fieldId, scopeId;
    long long timestamp, latencyUsec;
    unsigned valueType;
    nvmlReturn_t nvmlReturn;
    union {
        double dVal;
        unsigned long long ullVal;
    } value;
} nvmlFieldValue_t;

enum { FIELD_NVLINK_TX = 138, FIELD_NVLINK_RX = 139, VALUE_UNSIGNED_LONG_LONG = 3 };
static const unsigned ALL_LINKS = 0xFFFFFFFFU;
enum { ECC_CORRECTED, ECC_UNCORRECTED };
enum { PCIE_TX, PCIE_RX };
enum { COMPUTE_DEFAULT = 0, COMPUTE_EXCLUSIVE_PROCESS = 3 };
enum {
    REASON_GPU_IDLE = 0x1,
    REASON_SW_POWER_CAP = 0x4,
    REASON_HW_SLOWDOWN = 0x8,
    REASON_HW_THERMAL = 0x40,
};

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned length) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, name, &fault);
    return result == NVML_SUCCESS ? copy_text(device->name, name, length) : result;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned length) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, uuid, &fault);
    return result == NVML_SUCCESS ? copy_text(device->uuid, uuid, length) : result;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, memory, &fault);
    if (result != NVML_SUCCESS)
        return result;
    memory->total = device->memory_bytes;
    memory->used = sim_figures(device, stub_now()).memory_used_bytes;
    memory->free = memory->total - memory->used;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
    SimFault fault;
    nvmlReturn_t result = ready_device(device, memory, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (memory->version != VERSION_OF(nvmlMemory_v2_t, 2))
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    memory->total = device->memory_bytes;
    memory->reserved = device->memory_bytes / 128; /* what a driver keeps for itself */
    memory->used = sim_figures(device, stub_now()).memory_used_bytes;
    memory->free = memory->total - memory->reserved - memory->used;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilisation) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, utilisation, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (device->mig_mode) /* the driver does not tell it of a card that is cut up */
        return NVML_ERROR_NOT_SUPPORTED;
    SimFigures figures = sim_figures(device, stub_now());
    utilisation->gpu = figures.utilisation_percent;
    utilisation->memory = figures.memory_percent;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, unsigned sensor, unsigned *celsius) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, celsius, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (sensor != 0)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    *celsius = sim_figures(device, stub_now()).temperature_celsius;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_v1_t *temperature) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, temperature, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (temperature->version != VERSION_OF(nvmlTemperature_v1_t, 1))
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (temperature->sensorType != 0)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    temperature->temperature = (int)sim_figures(device, stub_now()).temperature_celsius;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *milliwatts) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, milliwatts, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    *milliwatts = sim_figures(device, stub_now()).power_milliwatts;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *milliwatts) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, milliwatts, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    *milliwatts = sim_figures(device, stub_now()).power_limit_milliwatts;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, unsigned clock, unsigned *mhz) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, mhz, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (clock > NVML_CLOCK_VIDEO)
        return NVML_ERROR_INVALID_ARGUMENT;
    SimFigures figures = sim_figures(device, stub_now());
    *mhz = clock == NVML_CLOCK_MEM ? figures.memory_clock_mhz : figures.graphics_clock_mhz;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, unsigned clock, unsigned *mhz) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, mhz, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (clock > NVML_CLOCK_VIDEO)
        return NVML_ERROR_INVALID_ARGUMENT;
    *mhz = clock == NVML_CLOCK_MEM ? 1593 : 1410;
    return NVML_SUCCESS;
}

static nvmlReturn_t coder(nvmlDevice_t device, unsigned *percent, unsigned *period_us) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, percent, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (period_us == NULL)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED || device->mig_mode)
        return NVML_ERROR_NOT_SUPPORTED;
    *percent = 0; /* nobody encodes video on a simulated GPU */
    *period_us = 167000;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, unsigned *percent,
                                             unsigned *period_us) {
    return coder(device, percent, period_us);
}

nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, unsigned *percent,
                                             unsigned *period_us) {
    return coder(device, percent, period_us);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device,
                                                    unsigned long long *reasons) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, reasons, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    SimFigures figures = sim_figures(device, stub_now());
    *reasons = figures.utilisation_percent == 0 ? REASON_GPU_IDLE : 0;
    if (figures.utilisation_percent >= 95)
        *reasons |= REASON_SW_POWER_CAP;
    if (fault.kind == SIM_FAULT_HOT && device->index == fault.device)
        *reasons |= REASON_HW_SLOWDOWN | REASON_HW_THERMAL;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, unsigned counter, unsigned *kib) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, kib, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (counter > PCIE_RX)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED || device->mig_mode)
        return NVML_ERROR_NOT_SUPPORTED;
    unsigned load = sim_figures(device, stub_now()).utilisation_percent;
    *kib = load * (counter == PCIE_RX ? 34000U : 8500U);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned type, unsigned counter,
                                         unsigned long long *count) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, count, &fault);
    if (result != NVML_SUCCESS)
        return result;
    if (type > ECC_UNCORRECTED || counter > 1)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (fault.kind == SIM_FAULT_NOT_SUPPORTED)
        return NVML_ERROR_NOT_SUPPORTED;
    bool hit = fault.kind == SIM_FAULT_ECC && device->index == fault.device;
    *count = hit ? (type == ECC_UNCORRECTED ? 2 : 17) : 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, unsigned *mode) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, mode, &fault);
    if (result != NVML_SUCCESS)
        return result;
    const char *words = getenv("STUDIOLO_SIMULATED_COMPUTE_MODE");
    bool exclusive = words != NULL && strcmp(words, "exclusive") == 0;
    *mode = exclusive ? COMPUTE_EXCLUSIVE_PROCESS : COMPUTE_DEFAULT;
    return NVML_SUCCESS;
}

/* KiB since some day in the past: always more, now faster and now slower. */
static unsigned long long nvlink_kib(unsigned field, double seconds) {
    double rate = field == FIELD_NVLINK_RX ? 20e6 : 16e6;
    double since = seconds - 1.7e9;
    return (unsigned long long)(rate * (since + 8 * sin(6.283185307179586 * since / 97)));
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, values, &fault);
    if (result != NVML_SUCCESS)
        return result;
    double seconds = stub_now();
    bool linked = strstr(device->name, "SXM") != NULL && fault.kind != SIM_FAULT_NOT_SUPPORTED;
    for (int each = 0; each < count; each++) {
        nvmlFieldValue_t *value = &values[each];
        bool known = value->fieldId == FIELD_NVLINK_TX || value->fieldId == FIELD_NVLINK_RX;
        value->timestamp = (long long)(seconds * 1e6);
        value->latencyUsec = 0;
        value->valueType = VALUE_UNSIGNED_LONG_LONG;
        value->nvmlReturn = known && linked && value->scopeId == ALL_LINKS
                                ? NVML_SUCCESS
                                : NVML_ERROR_NOT_SUPPORTED;
        value->value.ullVal = linked ? nvlink_kib(value->fieldId, seconds) : 0;
    }
    return NVML_SUCCESS;
}

/* ---- asked by other programs than the panel ---------------------------------- */

nvmlReturn_t nvmlDeviceGetNvLinkVersion(nvmlDevice_t device, unsigned link, unsigned *version) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, version, &fault);
    (void)link;
    return result == NVML_SUCCESS ? NVML_ERROR_NOT_SUPPORTED : result;
}

nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t device, unsigned *generation) {
    SimFault fault;
    nvmlReturn_t result = ready_card(device, generation, &fault);
    if (result == NVML_SUCCESS)
        *generation = 4;
    return result;
}
