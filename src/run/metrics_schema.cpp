#include "lockstep/run/metrics_log.hpp"

namespace lockstep {

std::string_view metrics_schema() {
  return R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "One line of metrics.jsonl",
  "description": "A number that is NaN or infinite is null and named in nonfinite.",
  "$defs": {
    "count": {"type": "integer", "minimum": 0},
    "number": {"type": ["number", "null"]},
    "text": {"type": "string"},
    "texts": {"type": "array", "items": {"type": "string"}}
  },
  "oneOf": [
    {
      "description": "Written at each start, before the first step.",
      "type": "object",
      "properties": {
        "t": {"const": "run"},
        "v": {"const": 1},
        "time": {"$ref": "#/$defs/text"},
        "segment": {"$ref": "#/$defs/count"},
        "ranks": {"$ref": "#/$defs/count"},
        "threads": {"$ref": "#/$defs/count"},
        "params": {"$ref": "#/$defs/count"},
        "batch": {"$ref": "#/$defs/count"},
        "microbatches": {"$ref": "#/$defs/count"},
        "seed": {"$ref": "#/$defs/count"},
        "steps_per_epoch": {"$ref": "#/$defs/count"},
        "total_steps": {"$ref": "#/$defs/count"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "v", "time", "segment", "ranks", "threads", "params", "batch",
                   "microbatches", "seed", "steps_per_epoch", "total_steps"],
      "additionalProperties": false
    },
    {
      "description": "Follows the run line of each further segment: readers drop lines of earlier segments with step > from_step.",
      "type": "object",
      "properties": {
        "t": {"const": "resume"},
        "segment": {"$ref": "#/$defs/count"},
        "from_step": {"$ref": "#/$defs/count"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "segment", "from_step"],
      "additionalProperties": false
    },
    {
      "description": "One step, each log.every; times in seconds: step_s since the step before, evaluations apart, which is the sum of the times behind it.",
      "type": "object",
      "properties": {
        "t": {"const": "step"},
        "step": {"$ref": "#/$defs/count"},
        "epoch": {"$ref": "#/$defs/number"},
        "loss": {"$ref": "#/$defs/number"},
        "lr": {"$ref": "#/$defs/number"},
        "samples": {"$ref": "#/$defs/count"},
        "step_s": {"$ref": "#/$defs/number"},
        "samples_per_s": {"$ref": "#/$defs/number"},
        "data_s": {"$ref": "#/$defs/number"},
        "forward_s": {"$ref": "#/$defs/number"},
        "backward_s": {"$ref": "#/$defs/number"},
        "hidden_s": {"$ref": "#/$defs/number"},
        "exposed_s": {"$ref": "#/$defs/number"},
        "update_s": {"$ref": "#/$defs/number"},
        "wait_s": {"$ref": "#/$defs/number"},
        "checkpoint_s": {"$ref": "#/$defs/number"},
        "other_s": {"$ref": "#/$defs/number"},
        "grad_norm": {"$ref": "#/$defs/number"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "step", "epoch", "loss", "lr", "samples", "step_s", "samples_per_s",
                   "data_s", "forward_s", "backward_s", "hidden_s", "exposed_s", "update_s",
                   "wait_s", "checkpoint_s", "other_s"],
      "additionalProperties": false
    },
    {
      "description": "The end of an epoch; train_* and val_* are the figures of the loss.",
      "type": "object",
      "properties": {
        "t": {"const": "epoch"},
        "step": {"$ref": "#/$defs/count"},
        "epoch": {"$ref": "#/$defs/count"},
        "steps": {"$ref": "#/$defs/count"},
        "train_loss": {"$ref": "#/$defs/number"},
        "best": {"type": "boolean"},
        "lr": {"$ref": "#/$defs/number"},
        "samples_per_s": {"$ref": "#/$defs/number"},
        "seconds": {"$ref": "#/$defs/number"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "step", "epoch", "steps", "train_loss", "best", "lr", "samples_per_s",
                   "seconds"],
      "additionalProperties": {"$ref": "#/$defs/number"}
    },
    {
      "description": "Where the time of one rank went over the last steps, in seconds; the parts sum to seconds. waited_for: the rank that it slept longest for.",
      "type": "object",
      "properties": {
        "t": {"const": "rank"},
        "step": {"$ref": "#/$defs/count"},
        "steps": {"$ref": "#/$defs/count"},
        "rank": {"$ref": "#/$defs/count"},
        "node": {"$ref": "#/$defs/text"},
        "seconds": {"$ref": "#/$defs/number"},
        "data_s": {"$ref": "#/$defs/number"},
        "forward_s": {"$ref": "#/$defs/number"},
        "backward_s": {"$ref": "#/$defs/number"},
        "hidden_s": {"$ref": "#/$defs/number"},
        "exposed_s": {"$ref": "#/$defs/number"},
        "update_s": {"$ref": "#/$defs/number"},
        "wait_s": {"$ref": "#/$defs/number"},
        "checkpoint_s": {"$ref": "#/$defs/number"},
        "other_s": {"$ref": "#/$defs/number"},
        "waited_for": {"$ref": "#/$defs/count"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "step", "steps", "rank", "node", "seconds",
                   "data_s", "forward_s", "backward_s", "hidden_s", "exposed_s", "update_s",
                   "wait_s", "checkpoint_s", "other_s"],
      "additionalProperties": false
    },
    {
      "description": "One evaluation, with the figures of the loss.",
      "type": "object",
      "properties": {
        "t": {"const": "eval"},
        "step": {"$ref": "#/$defs/count"},
        "epoch": {"$ref": "#/$defs/number"},
        "split": {"$ref": "#/$defs/text"},
        "samples": {"$ref": "#/$defs/count"},
        "loss": {"$ref": "#/$defs/number"},
        "seconds": {"$ref": "#/$defs/number"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "step", "epoch", "split", "samples", "loss", "seconds"],
      "additionalProperties": {"$ref": "#/$defs/number"}
    },
    {
      "description": "A complete checkpoint; digest of the state.",
      "type": "object",
      "properties": {
        "t": {"const": "checkpoint"},
        "step": {"$ref": "#/$defs/count"},
        "file": {"$ref": "#/$defs/text"},
        "digest": {"$ref": "#/$defs/text"},
        "write_s": {"$ref": "#/$defs/number"},
        "bytes": {"$ref": "#/$defs/count"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "step", "file", "digest", "write_s", "bytes"],
      "additionalProperties": false
    },
    {
      "description": "The training error fell below `error` for the first time.",
      "type": "object",
      "properties": {
        "t": {"const": "milestone"},
        "error": {"$ref": "#/$defs/number"},
        "step": {"$ref": "#/$defs/count"},
        "seconds": {"$ref": "#/$defs/number"},
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "error", "step"],
      "additionalProperties": false
    },
    {
      "description": "The end of a segment.",
      "type": "object",
      "properties": {
        "t": {"const": "end"},
        "status": {"enum": ["done", "preempted", "failed"]},
        "exit": {"$ref": "#/$defs/count"},
        "step": {"$ref": "#/$defs/count"},
        "epochs": {"$ref": "#/$defs/count"},
        "seconds": {"$ref": "#/$defs/number"},
        "samples_per_s": {"$ref": "#/$defs/number"},
        "reason": {"$ref": "#/$defs/text"},
        "digest": {"$ref": "#/$defs/text"},
        "checkpoint": {"$ref": "#/$defs/text"},
        "best": {
          "type": "object",
          "properties": {
            "metric": {
              "$ref": "#/$defs/text"
            },
            "value": {
              "$ref": "#/$defs/number"
            },
            "step": {
              "$ref": "#/$defs/count"
            }
          },
          "required": [
            "metric",
            "value",
            "step"
          ],
          "additionalProperties": false
        },
        "nonfinite": {"$ref": "#/$defs/texts"}
      },
      "required": ["t", "status", "exit", "step", "epochs", "seconds", "samples_per_s"],
      "additionalProperties": false
    }
  ]
}
)json";
}

}  // namespace lockstep
