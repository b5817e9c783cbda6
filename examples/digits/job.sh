auth="Authorization: Bearer $STILLHOUSE_API_KEY" json="Content-Type: application/json"
made() { sed -E 's/^\{"id":"([^"]+)".*/\1/'; }

file=$(curl -sS -H "$auth" $STILLHOUSE_URL/v1/files -F purpose=dataset -F file=@build/digits/digits.npz | made)
dataset=$(curl -sS -H "$auth" -H "$json" $STILLHOUSE_URL/v1/datasets -d '{"files": ["'$file'"], "columns": {"input": "x", "label": "y"}, "splits": {"train": [0, 1029], "test": [1029, 1797]}}' | made)
job=$(curl -sS -H "$auth" -H "$json" $STILLHOUSE_URL/v1/distillations -d '{"name": "digits", "teacher": {"models": '"$teachers"'}, "data": {"train": "'$dataset'", "labelled": 0.2, "seed": '$seed'}, "student": {"type": "convnet", "channels": [8, 16], "hidden": 16, "norm": "batch"}, "objective": [{"type": "soft_targets", "temperature": 4, "weight": 0.9}, {"type": "labels", "weight": 0.1}], "training": {"steps": 1500, "batch_size": 64, "learning_rate": 5e-3, "weight_decay": 1e-3, "seed": '$seed'}, "evaluation": {"baselines": ["no_teacher", "all_labels"]}}' | made)
curl -sS -H "$auth" $STILLHOUSE_URL/v1/distillations/$job
