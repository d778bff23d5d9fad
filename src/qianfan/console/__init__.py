"""The console's APIs (管控类 API): fine-tuning, models, services, datasets; one group a file."""
