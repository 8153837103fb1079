/* The simulated GPUs behind nvml_stub.c. Reads the environment, writes nothing.
 *
 * STUDIOLO_SIMULATED_GPUS   a JSON list, one object for each device that this
 *     process may see: {"uuid": "GPU-…", "name": "…", "memory_mib": 81920,
 *     "mig": false}. With "mig" true (or a slice's name such as "1g.10gb") the
 *     object is a MIG slice; slices with the same "parent" are cut from one
 *     card, and a slice without a parent gets a card of its own. Unknown keys
 *     are skipped. Unset or empty: no devices.
 * STUDIOLO_SIMULATED_LOAD   "wave" (default: figures rise and fall), "idle", or
 *     a number of percent.
 * STUDIOLO_SIMULATED_FAULT  "driver_not_loaded", "gpu_lost" or "gpu_lost:N"
 *     (card N, 0 by default), "not_supported" (temperature, power and more are
 *     not reported), "slow:MILLISECONDS" (every call takes so long), "hot:N"
 *     (card N is slowed down), "ecc:N" (its memory has failed), "xid:CODE:N".
 *     Read again on every call, so that a fault can come and go;
 *     STUDIOLO_SIMULATED_FAULT_FILE names a file that holds the same words and
 *     can be changed from outside the process.
 * STUDIOLO_SIMULATED_PROCESSES_FILE   a file with a line for each process that
 *     uses a device: "UUID PID MEMORY_MIB PERCENT". Unset: nobody does.
 * STUDIOLO_SIMULATED_COMPUTE_MODE   "exclusive", or the driver's default.
 * STUDIOLO_SIMULATED_COUNTER   a file whose first eight bytes count the calls of
 *     the library (native order), of all processes together.
 */
#define _POSIX_C_SOURCE 200809L
#include "simulation.h"

#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const double TURN = 6.283185307179586; /* 2 pi */

static SimDevice devices[SIM_MAX_DEVICES];
static unsigned device_count;

/* ---- a JSON reader, just large enough for the list above -------------------- */

typedef struct {
    const char *at;
    bool failed;
} Json;

static void json_space(Json *json) {
    while (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r')
        json->at++;
}

static bool json_take(Json *json, char wanted) {
    json_space(json);
    if (*json->at != wanted)
        return false;
    json->at++;
    return true;
}

static void json_expect(Json *json, char wanted) {
    if (!json_take(json, wanted))
        json->failed = true;
}

/* Copies a string, cut to the room there is. Names and UUIDs are ASCII; an
 * escaped character beyond that is kept as a question mark. */
static void json_string(Json *json, char *into, size_t room) {
    size_t used = 0;
    json_expect(json, '"');
    while (!json->failed && *json->at != '"') {
        char next = *json->at;
        if ((unsigned char)next < 0x20) { /* also the end of the text */
            json->failed = true;
            return;
        }
        if (next == '\\') {
            next = *++json->at;
            if (next == 'u') {
                for (int digit = 0; digit < 4; digit++)
                    if (!isxdigit((unsigned char)*++json->at)) {
                        json->failed = true;
                        return;
                    }
                next = '?';
            } else if (next == '\0' || !strchr("\"\\/", next)) {
                json->failed = true;
                return;
            }
        }
        json->at++;
        if (used + 1 < room)
            into[used++] = next;
    }
    if (room > 0)
        into[used] = '\0';
    json_expect(json, '"');
}

static double json_number(Json *json) {
    char *end;
    json_space(json);
    double number = strtod(json->at, &end);
    if (end == json->at || !isfinite(number))
        json->failed = true;
    json->at = end;
    return number;
}

static bool json_word(Json *json, const char *word) {
    json_space(json);
    size_t length = strlen(word);
    if (strncmp(json->at, word, length) != 0)
        return false;
    json->at += length;
    return true;
}

static void json_skip_scalar(Json *json) {
    char ignored[2];
    json_space(json);
    if (*json->at == '"')
        json_string(json, ignored, sizeof ignored);
    else if (!json_word(json, "true") && !json_word(json, "false") && !json_word(json, "null"))
        (void)json_number(json);
}

/* ---- the list of devices -------------------------------------------------- */

static SimDevice *add_device(void) {
    return device_count < SIM_MAX_DEVICES ? &devices[device_count++] : NULL;
}

static SimDevice *card_for_slice(const char *parent_uuid, const SimDevice *slice) {
    char uuid[SIM_TEXT];
    if (parent_uuid[0] != '\0')
        snprintf(uuid, sizeof uuid, "%s", parent_uuid);
    else
        snprintf(uuid, sizeof uuid, "GPU-of-%.80s", slice->uuid);
    SimDevice *card = sim_by_uuid(uuid);
    if (card == NULL && (card = add_device()) != NULL) {
        *card = *slice;
        snprintf(card->uuid, sizeof card->uuid, "%s", uuid);
        char *cut = strstr(card->name, " MIG ");
        if (cut != NULL) { /* the card keeps the "(simulated)" of its slice's name */
            const char *mark = strstr(cut, " (");
            memmove(cut, mark ? mark : "", strlen(mark ? mark : "") + 1);
        }
        card->memory_bytes = slice->memory_bytes * 7;
        card->mig_parent = NULL;
        card->mig_mode = true;
    }
    return card;
}

static bool read_device(Json *json) {
    SimDevice device = {.name = "Simulated GPU", .memory_bytes = 16ULL << 30};
    char key[32], parent[SIM_TEXT] = "";
    bool slice = false;
    json_expect(json, '{');
    if (json_take(json, '}'))
        return false;
    do {
        json_string(json, key, sizeof key);
        json_expect(json, ':');
        if (json->failed)
            return false;
        json_space(json);
        if (strcmp(key, "uuid") == 0) {
            json_string(json, device.uuid, sizeof device.uuid);
        } else if (strcmp(key, "name") == 0) {
            json_string(json, device.name, sizeof device.name);
        } else if (strcmp(key, "parent") == 0 && *json->at == '"') {
            json_string(json, parent, sizeof parent);
        } else if (strcmp(key, "memory_mib") == 0) {
            double mib = json_number(json);
            if (mib < 1 || mib > 1 << 30)
                json->failed = true;
            else
                device.memory_bytes = (unsigned long long)mib << 20;
        } else if (strcmp(key, "mig") == 0) {
            slice = *json->at == '"' || *json->at == 't';
            json_skip_scalar(json);
        } else {
            json_skip_scalar(json);
        }
    } while (!json->failed && json_take(json, ','));
    json_expect(json, '}');
    if (json->failed || device.uuid[0] == '\0')
        return false;
    if (slice && (device.mig_parent = card_for_slice(parent, &device)) == NULL)
        return false;
    device.index = slice ? sim_slice_count(device.mig_parent) : 0;
    SimDevice *kept = add_device();
    if (kept == NULL)
        return false;
    *kept = device;
    return true;
}

bool sim_load(void) {
    const char *text = getenv("STUDIOLO_SIMULATED_GPUS");
    Json json = {.at = text ? text : "", .failed = false};
    device_count = 0;
    json_space(&json);
    if (*json.at == '\0')
        return true;
    json_expect(&json, '[');
    if (!json_take(&json, ']')) {
        do {
            if (json.failed || !read_device(&json))
                return false;
        } while (json_take(&json, ','));
        json_expect(&json, ']');
    }
    json_space(&json);
    if (json.failed || *json.at != '\0')
        return false;
    unsigned card = 0;
    for (unsigned each = 0; each < device_count; each++)
        if (devices[each].mig_parent == NULL)
            devices[each].index = card++;
    return true;
}

unsigned sim_card_count(void) {
    unsigned cards = 0;
    for (unsigned each = 0; each < device_count; each++)
        cards += devices[each].mig_parent == NULL;
    return cards;
}

SimDevice *sim_card(unsigned index) {
    for (unsigned each = 0; each < device_count; each++)
        if (devices[each].mig_parent == NULL && devices[each].index == index)
            return &devices[each];
    return NULL;
}

unsigned sim_slice_count(const SimDevice *card) {
    unsigned slices = 0;
    for (unsigned each = 0; each < device_count; each++)
        slices += devices[each].mig_parent == card;
    return slices;
}

SimDevice *sim_slice(const SimDevice *card, unsigned index) {
    for (unsigned each = 0; each < device_count; each++)
        if (devices[each].mig_parent == card && devices[each].index == index)
            return &devices[each];
    return NULL;
}

SimDevice *sim_by_uuid(const char *uuid) {
    for (unsigned each = 0; each < device_count; each++)
        if (strcmp(devices[each].uuid, uuid) == 0)
            return &devices[each];
    return NULL;
}

bool sim_known(const SimDevice *device) {
    for (unsigned each = 0; each < device_count; each++)
        if (device == &devices[each])
            return true;
    return false;
}

/* ---- what they do --------------------------------------------------------- */

static unsigned seed_of(const char *text) {
    unsigned hash = 2166136261u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* 0..1, smooth: two slow waves and a small quick one, shifted for each device. */
static double wave(unsigned seed, double seconds) {
    double shift = (seed % 1000) / 1000.0 * TURN;
    double value = 0.55 + 0.28 * sin(TURN * seconds / 97 + shift) +
                   0.12 * sin(TURN * seconds / 23 + 2 * shift) +
                   0.05 * sin(TURN * seconds / 5 + 3 * shift);
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double load_of(const SimDevice *device, double seconds) {
    const char *text = getenv("STUDIOLO_SIMULATED_LOAD");
    if (text == NULL || *text == '\0' || strcmp(text, "wave") == 0)
        return wave(seed_of(device->uuid), seconds);
    double percent = strcmp(text, "idle") == 0 ? 0 : atof(text);
    return percent < 0 ? 0 : percent > 100 ? 1 : percent / 100;
}

SimFigures sim_figures(const SimDevice *device, double seconds) {
    double load = load_of(device, seconds);
    /* Heat and memory follow the load of the last minute, not of this instant. */
    double recent = (load + load_of(device, seconds - 10) + load_of(device, seconds - 30)) / 3;
    double memory = 0.03 + 0.72 * recent;
    SimFigures figures = {
        .utilisation_percent = (unsigned)lround(100 * load),
        .memory_percent = (unsigned)lround(70 * load),
        .memory_used_bytes = (unsigned long long)(memory * (double)device->memory_bytes),
        .temperature_celsius = (unsigned)lround(34 + 42 * recent),
        .power_limit_milliwatts = 400000,
        .power_milliwatts = (unsigned)lround(58000 + 310000 * load),
        .graphics_clock_mhz = (unsigned)lround(345 + 1065 * load),
        .memory_clock_mhz = load > 0.02 ? 1593 : 405,
    };
    return figures;
}

/* ---- faults ----------------------------------------------------------------- */

/* The N of ":N", 0 without. */
static unsigned card_after(const char *words) {
    return *words == ':' ? (unsigned)strtoul(words + 1, NULL, 10) : 0;
}

static SimFault fault_of_words(const char *words) {
    SimFault fault = {.kind = SIM_FAULT_NONE};
    if (strncmp(words, "driver_not_loaded", 17) == 0)
        fault.kind = SIM_FAULT_DRIVER_NOT_LOADED;
    else if (strncmp(words, "not_supported", 13) == 0)
        fault.kind = SIM_FAULT_NOT_SUPPORTED;
    else if (strncmp(words, "slow:", 5) == 0)
        fault.slow_millis = (unsigned)strtoul(words + 5, NULL, 10);
    else if (strncmp(words, "gpu_lost", 8) == 0) {
        fault.kind = SIM_FAULT_GPU_LOST;
        fault.device = card_after(words + 8);
    } else if (strncmp(words, "hot", 3) == 0) {
        fault.kind = SIM_FAULT_HOT;
        fault.device = card_after(words + 3);
    } else if (strncmp(words, "ecc", 3) == 0) {
        fault.kind = SIM_FAULT_ECC;
        fault.device = card_after(words + 3);
    } else if (strncmp(words, "xid:", 4) == 0) {
        char *end;
        fault.kind = SIM_FAULT_XID;
        fault.code = (unsigned)strtoul(words + 4, &end, 10);
        fault.device = card_after(end);
    }
    return fault;
}

SimFault sim_fault(void) {
    const char *path = getenv("STUDIOLO_SIMULATED_FAULT_FILE");
    if (path != NULL && *path != '\0') {
        char words[64];
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            size_t length = fread(words, 1, sizeof words - 1, file);
            fclose(file);
            words[length] = '\0';
            return fault_of_words(words);
        }
    }
    const char *words = getenv("STUDIOLO_SIMULATED_FAULT");
    return fault_of_words(words ? words : "");
}

/* ---- processes and the count of calls --------------------------------------- */

unsigned sim_processes(const SimDevice *device, SimProcess *found) {
    const char *path = getenv("STUDIOLO_SIMULATED_PROCESSES_FILE");
    FILE *file = path != NULL && *path != '\0' ? fopen(path, "re") : NULL;
    if (file == NULL)
        return 0;
    unsigned count = 0;
    char line[256], uuid[SIM_TEXT];
    while (count < SIM_MAX_PROCESSES && fgets(line, sizeof line, file) != NULL) {
        unsigned pid, percent;
        unsigned long long mib;
        if (sscanf(line, "%95s %u %llu %u", uuid, &pid, &mib, &percent) == 4 &&
            strcmp(uuid, device->uuid) == 0)
            found[count++] = (SimProcess){pid, mib << 20, percent > 100 ? 100 : percent};
    }
    fclose(file);
    return count;
}

static _Atomic unsigned long long *counter;
static pthread_once_t counter_once = PTHREAD_ONCE_INIT;

static void open_counter(void) {
    const char *path = getenv("STUDIOLO_SIMULATED_COUNTER");
    int file = path != NULL && *path != '\0' ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0)
        return;
    if (ftruncate(file, sizeof *counter) == 0) {
        void *page = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (page != MAP_FAILED)
            counter = page;
    }
    close(file);
}

void sim_count_call(void) {
    pthread_once(&counter_once, open_counter);
    if (counter != NULL)
        atomic_fetch_add(counter, 1);
}
