// Texts of ordinary English with an exact number of tokens, drawn by a seed.

import type { Random } from '../../../src/core/random.ts';

const SENTENCES = `The train was late again this morning, so I walked along the river and read the news on my phone.
My sister has moved to a small house near the coast and keeps six chickens in the garden.
Could you tell me when the next meeting takes place and who is going to write the report?
The company said on Thursday that profits had risen by eight percent in the third quarter.
After the rain had stopped, the children ran outside and played football until it was dark.
I was charged twice for the same order and would like to have one of the payments returned.
Scientists have found that the birds remember where they hid their food for several months.
The film is slow in the first hour, but the last scenes are among the best that I have seen.
Please send the documents to the address below before the end of the month.
Nobody knows who painted the portrait, which hung in the town hall for more than a century.
The recipe needs two cups of flour, a little salt, three eggs and a glass of cold milk.
She opened the window because the room was warm and the neighbours were singing.
The minister answered that the new law would not come into force before next spring.
We waited at the station for two hours, and then a friendly driver took us to the hotel.
What is the capital of the country with the longest coast in the world?
The old bridge was closed for repairs, and all the traffic had to go through the village.
He felt nervous before the interview, yet he laughed when the first question was about his dog.
The museum is open every day except Monday and offers free entry to students.
Prices for fruit and vegetables went up again, while bread became slightly cheaper.
Two men were arrested after a long chase through the centre of the city.`
  .split('\n')
  .map((sentence) => sentence.split(' '));

/**
 * Sentences in a drawn order, cut at `tokens` tokens.
 * @param count tokens of a text; adds up over words
 */
export function englishText(tokens: number, count: (text: string) => number, random: Random): string {
  const words: string[] = [];
  let missing = tokens;
  while (missing > 0) {
    for (const word of SENTENCES[random.below(SENTENCES.length)]) {
      // A word of more pieces than are missing gives way to a short one.
      const next = count(word) <= missing ? word : 'so';
      if (missing <= 0) break;
      words.push(next);
      missing -= count(next);
    }
  }
  return words.join(' ');
}
