// Preloaded by `node -r`: servers that name no address listen on this computer only. `listen` itself is left alone: with
// an address it would look that up first, and the suite asks for its port at once.
const net = require('node:net');

const listen = net.Server.prototype._listen2;
net.Server.prototype._listen2 = function (address, port, type, ...rest) {
    const everywhere = !address && typeof port === 'number' && port >= 0;
    return everywhere ? listen.call(this, '127.0.0.1', port, 4, ...rest) : listen.call(this, address, port, type, ...rest);
};
