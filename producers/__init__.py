"""Ways into Kafka: publisher, reference files and the drill simulator."""
