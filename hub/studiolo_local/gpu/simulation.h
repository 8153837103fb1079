/* Simulated GPUs: which ones there are and what they do at a moment.
 *
 * The list comes from the environment of the process (see simulation.c); the
 * figures are pure functions of a device and a time, so that two readers of
 * the same device at the same moment see the same.
 */
#ifndef STUDIOLO_SIMULATION_H
#define STUDIOLO_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>

/* Ours alone: the library shows NVML's names and no others. */
#pragma GCC visibility push(hidden)

#define SIM_MAX_DEVICES 64
#define SIM_MAX_PROCESSES 32
#define SIM_TEXT 96 /* NVML's own largest name and UUID buffers */

typedef struct SimDevice {
    char uuid[SIM_TEXT];
    char name[SIM_TEXT];
    unsigned long long memory_bytes;
    bool mig_mode;               /* a card that is cut into MIG slices */
    struct SimDevice *mig_parent; /* set on a slice: the card it is cut from */
    unsigned index;              /* among the cards, or among its card's slices */
} SimDevice;

typedef struct {
    unsigned utilisation_percent;
    unsigned memory_percent;
    unsigned long long memory_used_bytes;
    unsigned temperature_celsius;
    unsigned power_milliwatts;
    unsigned power_limit_milliwatts;
    unsigned graphics_clock_mhz;
    unsigned memory_clock_mhz;
} SimFigures;

typedef enum {
    SIM_FAULT_NONE,
    SIM_FAULT_DRIVER_NOT_LOADED,
    SIM_FAULT_NOT_SUPPORTED,
    SIM_FAULT_GPU_LOST,
    SIM_FAULT_HOT,
    SIM_FAULT_ECC,
    SIM_FAULT_XID,
} SimFaultKind;

typedef struct {
    SimFaultKind kind;
    unsigned device;        /* which card is hit */
    unsigned code;          /* of an Xid */
    unsigned slow_millis;   /* how long every call takes */
} SimFault;

typedef struct {
    unsigned pid;
    unsigned long long memory_bytes;
    unsigned percent;
} SimProcess;

/* Reads the list from the environment. False when it cannot be understood. */
bool sim_load(void);
unsigned sim_card_count(void);
SimDevice *sim_card(unsigned index);
unsigned sim_slice_count(const SimDevice *card);
SimDevice *sim_slice(const SimDevice *card, unsigned index);
SimDevice *sim_by_uuid(const char *uuid);
/* True when the pointer is one that this module gave out. */
bool sim_known(const SimDevice *device);

SimFigures sim_figures(const SimDevice *device, double seconds);
SimFault sim_fault(void);
/* The processes on a device, at most SIM_MAX_PROCESSES; their number. */
unsigned sim_processes(const SimDevice *device, SimProcess *found);
/* Counts one call of the library, for who wants to know how many there are. */
void sim_count_call(void);

#pragma GCC visibility pop

#endif
