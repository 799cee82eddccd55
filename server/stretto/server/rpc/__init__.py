"""The gRPC face: servicers, conversions, the one error table."""
