"""Amazon Bedrock Model Distillation: CreateModelCustomizationJob and what belongs to it, as boto3 sends them."""
