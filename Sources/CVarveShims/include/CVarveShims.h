// The few C functions the engine needs: instructions and calls that Swift cannot reach.
#ifndef CVARVE_SHIMS_H
#define CVARVE_SHIMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "VarveBytes.h"
#include "VarveChecksums.h"
#include "VarvePosix.h"
#include "VarveSpin.h"
#include "VarveThread.h"

#endif
