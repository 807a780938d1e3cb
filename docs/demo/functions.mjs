// Two functions as anybody would write them with the StateFun SDK; nothing here knows about statefund.
//
//   person   counts its visits in its own state, tells the greeter of each one, and on the first one
//            sends itself a reminder that comes a moment later
//   greeter  writes a greeting to the egress example/greets
import sdk from 'apache-flink-statefun';

const {StateFun, messageBuilder, egressMessageBuilder} = sdk;

export const reminder_delay_ms = 1000;

const visit = StateFun.jsonType('example/visit');
const reminder = StateFun.jsonType('example/reminder');
const greeting = StateFun.jsonType('example/greeting');

function person(context, message) {
  const name = context.self.id;
  const visits = context.storage.visits ?? 0;

  if (message.is(reminder)) {
    const value = {kind: 'reminder', name, visits, text: `${name}, come again soon`};
    context.send(egressMessageBuilder({typename: 'example/greets', value, valueType: greeting}));
    return;
  }

  context.storage.visits = visits + 1;
  const value = {name, visits: visits + 1, place: message.asString()};
  context.send(messageBuilder({typename: 'example/greeter', id: name, value, valueType: visit}));
  if (visits === 0) {
    const to_self = messageBuilder({typename: 'example/person', id: name, value: {}, valueType: reminder});
    context.sendAfter(reminder_delay_ms, to_self);
  }
}

function greeter(context, message) {
  const {name, visits, place} = message.as(visit);
  const text = visits === 1 ? `welcome to the ${place}, ${name}` : `visit no. ${visits}, in the ${place}`;
  const value = {kind: 'greeting', name, visits, text};
  context.send(egressMessageBuilder({typename: 'example/greets', value, valueType: greeting}));
}

// What http.createServer() takes.
export function handler() {
  const functions = new StateFun();
  functions.bind({typename: 'example/person', fn: person, specs: [{name: 'visits', type: StateFun.intType()}]});
  functions.bind({typename: 'example/greeter', fn: greeter});
  return functions.handler();
}
