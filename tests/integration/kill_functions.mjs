// The functions of kill.test.mjs, in a process of their own that can be killed: node kill_functions.mjs <socket>.
import fs from 'node:fs';

import {StateFun, messageBuilder} from '../../docs/demo/sdk.mjs';
import {serve} from '../../docs/demo/statefund.mjs';
import {json, late_every, to_egress, to_function} from './kill_values.mjs';

const functions = new StateFun();

// Counts, tells the one sum of each message, and every so often sends a message that comes later.
functions.bind({
  typename: 'test/counter',
  specs: [{name: 'count', type: StateFun.intType()}],
  fn(context, message) {
    const count = (context.storage.count ?? 0) + 1;
    context.storage.count = count;
    const id = context.self.id;
    context.send(to_egress({kind: 'count', id, count, text: message.asString()}));
    context.send(to_function('sum', 'all', {id}));
    if (count % late_every === 0)
      context.sendAfter(50, messageBuilder({typename: 'test/late', id, value: {id, count}, valueType: json}));
  },
});

functions.bind({
  typename: 'test/sum',
  specs: [{name: 'total', type: StateFun.intType()}],
  fn(context) {
    const total = (context.storage.total ?? 0) + 1;
    context.storage.total = total;
    context.send(to_egress({kind: 'sum', total}));
  },
});

functions.bind({
  typename: 'test/late',
  fn(context, message) {
    context.send(to_egress({kind: 'late', ...message.as(json)}));
  },
});

const socket = process.argv[2];
fs.rmSync(socket, {force: true}); // of one that was killed
await serve(functions.handler(), socket);
process.send('listening');
process.on('disconnect', () => process.exit(0));
