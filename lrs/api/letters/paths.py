"""Where the views of dead letters are. Imports nothing, for the gateway has to know it before it knows them."""

VENDOR_PATH = "/vendor/"
VENDOR_REFUSED = f"{VENDOR_PATH}refused"
OPERATOR_REFUSED = "/operator/refused"
