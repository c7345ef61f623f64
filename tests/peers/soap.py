"""The made-up ERP "Kontor" as a service of spyne: its envelopes, faults and types are not ours. Prints its port."""

import datetime
import decimal
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import Application, Array, Boolean, ComplexModel, Date, DateTime, Decimal, Fault, Integer, Unicode, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication
from spyne.service import ServiceBase

NAMESPACE = "urn:kontor:orders"


class Line(ComplexModel):
    __namespace__ = NAMESPACE
    _type_info = [("Sku", Unicode), ("Quantity", Decimal), ("Price", Decimal)]


class Order(ComplexModel):
    __namespace__ = NAMESPACE
    _type_info = [
        ("Number", Unicode),
        ("Reference", Unicode),
        ("Customer", Unicode),
        ("Placed", Date),
        ("Lines", Array(Line)),
        ("Open", Boolean),
        ("Changed", DateTime(timezone=False)),
    ]


STORE = []


class Orders(ServiceBase):
    @rpc(Unicode, Unicode, DateTime, DateTime, Unicode, Integer, _returns=[Array(Order), Unicode],
         _out_variable_names=["Orders", "Next"])
    def FindOrders(ctx, Reference, Number, ChangedFrom, ChangedBefore, After, Limit):
        known = [o for o in STORE if (not Reference or o.Reference == Reference) and (not Number or o.Number == Number)]
        known = [o for o in known if not After or int(o.Number) > int(After)]
        page = known[: Limit or 100]
        return page, page[-1].Number if len(known) > len(page) else ""

    @rpc(Unicode, _returns=Order, _out_variable_name="Order")
    def ReadOrder(ctx, Number):
        for order in STORE:
            if order.Number == Number:
                return order
        raise Fault("Client.UnknownOrder", "no such order")

    @rpc(Order, _returns=Unicode, _out_variable_name="Number")
    def CreateOrder(ctx, Order):
        if not Order.Lines or any(line.Quantity is None or line.Quantity <= 0 for line in Order.Lines):
            raise Fault("Client.BadQuantity", "quantity must be above 0")
        if Order.Customer == "EXPLODE":
            raise ValueError("out of memory")
        Order.Number = "%012d" % (len(STORE) + 1)
        Order.Open = True
        Order.Changed = datetime.datetime(2026, 11, 2, 9, 0, len(STORE))
        assert all(isinstance(line.Quantity, decimal.Decimal) for line in Order.Lines)
        STORE.append(Order)
        return Order.Number

    @rpc(_returns=Unicode, _out_variable_name="Version")
    def About(ctx):
        return "1.0"


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


protocol = Soap12 if sys.argv[1] == "1.2" else Soap11
application = Application([Orders], tns=NAMESPACE, in_protocol=protocol(validator="lxml"), out_protocol=protocol())
server = make_server("127.0.0.1", 0, WsgiApplication(application), handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
