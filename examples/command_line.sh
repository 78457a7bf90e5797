#!/bin/sh
# Every command and most options, on the bundled material; writes into the current folder.
# Run it in an empty one:  sh path/to/examples/command_line.sh
set -eu
data=$(cd "$(dirname "$0")/../data" && pwd)

# -- recordings: what was clipped, the recovery, and everything it can write
guitar=$data/audio/guitar_em9_clipped.flac
recover inspect "$guitar" --json levels.json
recover audio "$guitar" -o restored.wav --quality fast --seed 1 \
    --report restored.html --json restored.json --save restored.npz --diff added.wav
recover verify restored.json "$guitar"             # proved again from the file and the JSON
recover report restored.npz -o again.html          # the same page, drawn later
recover audio "$guitar" -o soft.wav --low -0.5 --high 0.5 --tolerance 0.001 --mix 0.5 \
    --quality fast --no-certify --quiet            # levels by hand, half of the correction
mkdir takes
cp "$guitar" takes/one.flac
cp "$data/audio/speech_librivox.flac" takes/two.flac
mkdir done
recover audio takes/one.flac takes/two.flac -o done --quality fast --jobs 2 --json takes.json
recover audio takes/one.flac -o done --quality fast --force    # only now is one replaced

# -- images: linear light is said, the bound of each pixel goes to a file
photo=$data/image/courtyard_clipped.tif
recover inspect "$photo"
recover image "$photo" -o courtyard.tif --transfer linear --map trust.npy \
    --report courtyard.html --json courtyard.json
recover verify courtyard.json "$photo"

# -- phase: coded diffraction, as one NPZ and as a stack with its setup and dark frame
python - <<'PY'
import numpy as np

import recover as rv

rng = np.random.default_rng(0)
frame = rv.frames.CodedDiffraction.octanary((32, 32), 6, rng)
field = 1.0 + rng.random((32, 32)) * np.exp(1j * rng.random((32, 32)))
magnitude = np.abs(frame.analysis(field))
np.savez("patterns.npz", magnitude=magnitude, masks=frame.masks, centered=False)
np.save("stack.npy", magnitude**2 + 3.0)
np.save("dark.npy", np.full((32, 32), 3.0))
np.savez("setup.npz", masks=frame.masks, centered=False)
np.save("frame.npy", rng.standard_normal((12, 3)))
np.savez("net.npz", W1=rng.standard_normal((16, 2)), b1=np.full(16, 0.5))
PY
recover phase patterns.npz -o object.npy --report object.html --json object.json
recover verify object.json patterns.npz
recover phase stack.npy -o field.tif --setup setup.npz --dark dark.npy \
    --method ReweightedAmplitudeFlow --iterations 3000 --restarts 2 --noise 1e-6

# -- frames, before any measurement
recover certify frame.npy --model relu --bias -0.5 --json relu.json --report relu.html
recover verify relu.json frame.npy
recover certify frame.npy --model saturation --level 1.5 --radius 0.5
recover certify frame.npy --model saturation --low -1 --high none --nonnegative --budget 10
recover certify frame.npy --model modulus --radius inf

# -- ReLU layers, and how wide random ones must be
recover layer net.npz --list
recover layer net.npz --radius 2 --budget 10 --json net.json --report net.html
recover layer net.npz --nonnegative --quiet
recover capacity --method lifted --level 3 --json capacity.json
recover capacity --layers 3 --criterion weak --method partial

# -- what there is, and the main job
recover list
recover demo --out demo
